import { HeedError, type HeedErrorCode } from '@heed/core';

/** Place in a file: `case.json: cases[2].inputs.key.shape`. */
export function placeOf(file: string, path: readonly (string | number)[]): string {
  const steps = path.map((step, index) =>
    typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`,
  );
  return steps.length === 0 ? file : `${file}: ${steps.join('')}`;
}

const LONGEST_MESSAGE = 400;
const REMEDY = 'correct the file; CASES.md of @heed/conformance describes what it may hold';

/** An error about something in a file. Files are anyone's: control characters are replaced, long messages cut. */
export function errorAt(
  code: HeedErrorCode,
  place: string,
  message: string,
  details: ConstructorParameters<typeof HeedError>[2] = {},
): HeedError {
  const printable = `${place}: ${message}`.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  const cut = printable.length > LONGEST_MESSAGE ? `${printable.slice(0, LONGEST_MESSAGE)}…` : printable;
  return new HeedError(code, cut, { remedy: REMEDY, ...details });
}

/** Returns the result of `work`. Its errors name the place, and keep their code, clause and remedy. */
export function within<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!HeedError.isInstance(error)) throw error;
    const { code, reason, clause, remedy } = error;
    throw errorAt(code, place, reason, {
      ...(clause !== undefined && { clause }),
      ...(remedy !== undefined && { remedy }),
      cause: error,
    });
  }
}
