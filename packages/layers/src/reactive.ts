/**
 * Keeps libraries of reactive state from wrapping instances of a class: a Proxy of one has no private members.
 * The name is Vue's, which `markRaw` sets as well; MobX leaves classes alone unless they request it.
 */
export function leaveRaw(prototype: object): void {
  Object.defineProperty(prototype, '__v_skip', { value: true });
}
