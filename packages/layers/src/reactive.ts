/**
 * Has libraries of reactive state leave the instances of a class as they are: a Proxy of one would have no private members.
 * The name is Vue's, which `markRaw` sets as well; MobX leaves classes alone that do not ask for it.
 */
export function leaveRaw(prototype: object): void {
  Object.defineProperty(prototype, '__v_skip', { value: true });
}
