/** An obstacle, described for the person who can remove it. */
export class Obstacle extends Error {}
