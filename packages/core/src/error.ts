/** The stable codes of every error that Heed throws. Codes never change meaning; messages may. */
export type HeedErrorCode =
  /** A tensor has the wrong rank or shape, or its data does not fill its shape. */
  | 'SHAPE'
  /** A tensor has the wrong element type. */
  | 'DTYPE'
  /** A number, name or combination of options is not allowed. */
  | 'ARGUMENT'
  /** An object of options has an unknown name; the message suggests a similar one. */
  | 'UNKNOWN_OPTION'
  /** An input that the problem needs was not given. */
  | 'MISSING_INPUT'
  /** An input was given that the problem does not have. */
  | 'UNEXPECTED_INPUT'
  /** causal, window or alibi with Lq ≠ Lk requires an alignment. */
  | 'ALIGNMENT_REQUIRED'
  /** The backend does not support this problem; `clause` names the rule it lacks. */
  | 'UNSUPPORTED'
  /** The backend's engine cannot run here. */
  | 'UNAVAILABLE'
  /** A provider or backend has a version of the contract that this core does not support. */
  | 'CONTRACT_VERSION'
  /** A kernel, backend or resident tensor was used after dispose(). */
  | 'DISPOSED'
  /** A resident tensor was given to a backend that does not own it. */
  | 'FOREIGN_TENSOR'
  /** A gradient was requested that does not exist. */
  | 'NOT_DIFFERENTIABLE'
  /** Not enough memory for the call. */
  | 'OUT_OF_MEMORY'
  /** The backend's engine failed; `cause` is the engine's error. */
  | 'ENGINE';

/** Details that an error carries besides its message. All of it is plain data, except `cause`. */
export interface HeedErrorDetails {
  /** Clause of the specification, such as `gqa` or `mask`. */
  readonly clause?: string;
  /** Instruction that fixes the error. `error.message` ends with it. */
  readonly remedy?: string;
  /** The engine's own error. */
  readonly cause?: unknown;
}

/** An error as plain data: survives JSON, `structuredClone` and workers. */
export interface HeedErrorJSON {
  readonly heedError: 1;
  readonly code: HeedErrorCode;
  readonly message: string;
  readonly clause?: string;
  readonly remedy?: string;
  readonly cause?: string;
}

const marker = Symbol.for('heed.error');

/**
 * The one error class of Heed. Recognize it by {@link HeedError.isInstance} and `code`, never by its message
 * and not by `instanceof`, which fails between two copies of the package.
 *
 * @example
 * ```ts
 * import { HeedError, tensor } from '@heed/core';
 *
 * try {
 *   tensor(new Float32Array(5), [2, 3]);
 * } catch (error) {
 *   if (!HeedError.isInstance(error)) throw error;
 *   console.log(error.code); // SHAPE
 * }
 * ```
 */
export class HeedError extends Error {
  readonly code: HeedErrorCode;
  /** Description of the error without the remedy: `message` is `reason; remedy`. */
  readonly reason: string;
  readonly clause: string | undefined;
  readonly remedy: string | undefined;

  /**
   * Makes an error whose `message` is `message; remedy`: a console shows nothing else. A message that already ends
   * with the remedy stays unchanged.
   */
  constructor(code: HeedErrorCode, message: string, details: HeedErrorDetails = {}) {
    const { remedy } = details;
    const reason = remedy === undefined ? message : withoutEnding(message, remedy);
    const joint = /[.?!]$/.test(reason) ? ' ' : '; ';
    const ending = remedy === undefined ? '' : `${joint}${remedy}`;
    super(reason + ending, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HeedError';
    this.code = code;
    this.reason = reason;
    this.clause = details.clause;
    this.remedy = details.remedy;
    Object.defineProperty(this, marker, { value: true });
  }

  static isInstance(value: unknown): value is HeedError {
    try {
      return marker in Object(value);
    } catch {
      // A proxy may refuse.
      return false;
    }
  }

  toJSON(): HeedErrorJSON {
    const { code, message, clause, remedy, cause } = this;
    return {
      heedError: 1,
      code,
      message,
      ...(clause !== undefined && { clause }),
      ...(remedy !== undefined && { remedy }),
      ...(cause !== undefined && { cause: textOf(cause) }),
    };
  }

  /** The error that {@link toJSON} described; its `cause` is now a string. */
  static fromJSON(json: HeedErrorJSON): HeedError {
    return new HeedError(json.code, json.message, json);
  }
}

/** Returns a message without the remedy that it ends with already, as one does that is passed on. */
function withoutEnding(message: string, remedy: string): string {
  const ending = [`; ${remedy}`, ` ${remedy}`].find((end) => message.endsWith(end));
  return ending === undefined ? message : message.slice(0, -ending.length);
}

/** Returns the text of what was thrown; its type, if it has none: anything can be thrown. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return typeof thrown;
  }
}
