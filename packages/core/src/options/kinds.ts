/** The values that an option takes. */
export interface OptionKind {
  /** After "expected": `an integer from 1 to 256`. */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** True if the option is required. Default false. */
  readonly required?: boolean;
  /** The clause of SPEC.md that it belongs to, for errors. */
  readonly clause?: string;
}

/** `true` or `false`. */
export const flag: OptionKind = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
};

/** A string. */
export const text: OptionKind = {
  expected: 'a string',
  accepts: (value) => typeof value === 'string',
};

/** A function. */
export const callback: OptionKind = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
};

/** The signal of an AbortController. */
export const abortSignal: OptionKind = {
  expected: 'the signal of an AbortController',
  // Not instanceof: test runners bring an AbortSignal of their own.
  accepts: (value) =>
    typeof (value as Partial<AbortSignal> | null)?.aborted === 'boolean' &&
    typeof (value as Partial<AbortSignal>).addEventListener === 'function',
};

/** An integer from `minimum` to `maximum`, which is unbounded by default. */
export function integer(minimum: number, maximum: number = Infinity): OptionKind {
  return {
    expected: maximum === Infinity ? `an integer ≥ ${minimum}` : `an integer from ${minimum} to ${maximum}`,
    accepts: (value) =>
      Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  };
}

/** A number that `accepts` allows; `expected` describes it. */
export function number(expected: string, accepts: (value: number) => boolean): OptionKind {
  return { expected, accepts: (value) => typeof value === 'number' && accepts(value) };
}

/** One of some values. */
export function oneOf(...choices: readonly unknown[]): OptionKind {
  return {
    expected: choices
      .map((choice) => (typeof choice === 'string' ? `'${choice}'` : String(choice)))
      .join(' or '),
    accepts: (value) => choices.includes(value),
  };
}

/** An array of anything. */
export const array: OptionKind = { expected: 'an array', accepts: Array.isArray };

/** An array whose elements are all of a kind. */
export function listOf(elements: OptionKind): OptionKind {
  return {
    expected: `an array, each element ${elements.expected}`,
    accepts: (value) =>
      Array.isArray(value) && Array.from(value).every((element) => elements.accepts(element)),
  };
}

/** The same kind, required. */
export function required(kind: OptionKind): OptionKind {
  return { ...kind, required: true };
}
