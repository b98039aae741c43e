import {
  HEADS,
  INITIAL,
  LONGEST,
  SENTENCES,
  type State,
  TEMPERATURES,
  WIDEST_WINDOW,
  change,
} from './state.ts';

type Codec<T> = { readonly write: (value: T) => string; readonly read: (text: string) => T | undefined };

const oneOf = <T extends string>(...values: readonly T[]): Codec<T> => ({
  write: String,
  read: (text) => values.find((value) => value === text),
});
const number = (least: number, most: number, isInteger = true): Codec<number> => ({
  write: String,
  read: (text) => {
    const value = Number(text);
    const fits = text !== '' && value >= least && value <= most && (!isInteger || Number.isInteger(value));
    return fits ? value : undefined;
  },
});
const nullable = <T>(codec: Codec<T>): Codec<T | null> => ({
  write: (value) => (value === null ? 'none' : codec.write(value)),
  read: (text) => (text === 'none' ? null : codec.read(text)),
});
const textUpTo = (longest: number): Codec<string> => ({
  write: String,
  read: (given) => given.slice(0, longest),
});
const flag: Codec<boolean> = {
  write: (value) => (value ? 'yes' : 'no'),
  read: (text) => (text === 'yes' ? true : text === 'no' ? false : undefined),
};

/** State without the backend: the sender's may be missing here, and a link must not load code from elsewhere. */
type Linked = Omit<State, 'backend'>;

const CODECS: { readonly [K in keyof Linked]: Codec<Linked[K]> } = {
  page: oneOf('look', 'write', 'compare', 'race', 'own'),
  capture: oneOf(...(Object.keys(SENTENCES) as (keyof typeof SENTENCES)[])),
  layer: number(0, 5),
  head: number(0, HEADS - 1),
  token: nullable(number(0, 1000)),
  selection: oneOf('softmax', 'argmax', 'sample'),
  seed: number(0, 2 ** 31),
  causal: flag,
  window: nullable(number(0, WIDEST_WINDOW)),
  temperature: number(TEMPERATURES.least, TEMPERATURES.most, false),
  longest: number(LONGEST[0], LONGEST.at(-1)!),
  local: flag,
  text: textUpTo(2000),
  writeLayer: number(0, 999),
  writeHead: number(0, 999),
};

/** Returns the state as the part of an address after `#`: what differs from the initial state. */
export function toHash(state: State): string {
  const parameters = new URLSearchParams();
  for (const key of Object.keys(CODECS) as (keyof Linked)[]) {
    if (key === 'page' || state[key] === INITIAL[key]) continue;
    parameters.set(key, (CODECS[key] as Codec<unknown>).write(state[key]));
  }
  const query = parameters.toString();
  return `#${state.page}${query === '' ? '' : `?${query}`}`;
}

/** Returns the state of an address; invalid parts are as in the initial state. */
export function fromHash(hash: string): State {
  // A text may have a question mark, which programs decode that links pass through.
  const [page = '', ...rest] = hash.replace(/^#/, '').split('?');
  const query = rest.join('?');
  const read: Record<string, unknown> = { page: CODECS.page.read(page) };
  for (const [key, text] of new URLSearchParams(query)) {
    if (Object.hasOwn(CODECS, key) && key !== 'page') read[key] = CODECS[key as keyof Linked].read(text);
  }
  const known = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
  return change(INITIAL, { ...INITIAL, ...known });
}
