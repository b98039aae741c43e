/** What stands in the way, in words for the person who can remove it. */
export class Obstacle extends Error {}
