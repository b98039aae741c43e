/** Characters of a text, and elements of an array, that a message quotes. */
const LENGTH_SHOWN = 40;
const ELEMENTS_SHOWN = 5;
/** Names that a message lists. */
const NAMES_SHOWN = 12;

/** Formats a value for a message: text in quotes, a bigint with its `n`, large values by kind only. Never throws. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > LENGTH_SHOWN ? `${value.slice(0, LENGTH_SHOWN)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : shownObject(value);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

/** Lists words for a message, the first ones if they are many. */
export function listed(words: readonly string[], most: number = NAMES_SHOWN): string {
  return words.slice(0, most).join(', ') + (words.length > most ? ', …' : '');
}

function shownObject(value: object): string {
  if (Array.isArray(value)) {
    const elements = value.slice(0, ELEMENTS_SHOWN + 1).map((each) => (isNested(each) ? '…' : shown(each)));
    return `[${listed(elements, ELEMENTS_SHOWN)}]`;
  }
  const kind = kindOf(value);
  if (kind === 'Object') return 'an object';
  return `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Returns the kind of a value, also of another realm: `Uint16Array`, `Array`, `Undefined`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
