/** The stable codes of every error that Heed throws. Codes never change meaning; messages may. */
export type HeedErrorCode =
  /** A tensor has the wrong rank or shape, or its data does not fill its shape. */
  | 'SHAPE'
  /** A tensor has the wrong element type. */
  | 'DTYPE'
  /** A number, name or combination of options is not allowed. */
  | 'ARGUMENT'
  /** An object of options has a name that means nothing there; the message says what is near. */
  | 'UNKNOWN_OPTION'
  /** An input that the problem needs was not given. */
  | 'MISSING_INPUT'
  /** An input was given that the problem does not have. */
  | 'UNEXPECTED_INPUT'
  /** causal, window or alibi with Lq ≠ Lk, and no alignment chosen. */
  | 'ALIGNMENT_REQUIRED'
  /** The backend does not compute this problem; `clause` says which rule it lacks. */
  | 'UNSUPPORTED'
  /** The backend's engine cannot run here. */
  | 'UNAVAILABLE'
  /** A provider or backend speaks a version of the contract that this core does not. */
  | 'CONTRACT_VERSION'
  /** A kernel, backend or resident tensor was used after dispose(). */
  | 'DISPOSED'
  /** A resident tensor was given to a backend that does not own it. */
  | 'FOREIGN_TENSOR'
  /** The gradient was asked of something that has none. */
  | 'NOT_DIFFERENTIABLE'
  /** Memory for the call could not be had. */
  | 'OUT_OF_MEMORY'
  /** The engine below the backend failed; `cause` has its own error. */
  | 'ENGINE';

/** Details that an error carries besides its message. All of it is plain data, except `cause`. */
export interface HeedErrorDetails {
  /** The clause of the specification that is concerned, such as `gqa` or `mask`. */
  readonly clause?: string;
  /** Instruction that mends it. `error.message` ends with it. */
  readonly remedy?: string;
  /** The error of an engine underneath. */
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
  /** What went wrong, without the remedy: `message` is `reason; remedy`. */
  readonly reason: string;
  readonly clause: string | undefined;
  readonly remedy: string | undefined;

  /**
   * An error whose `message` is `message; remedy`, since a console shows nothing else. A message that ends with the
   * remedy already is taken as it is.
   */
  constructor(code: HeedErrorCode, message: string, details: HeedErrorDetails = {}) {
    const ending = details.remedy === undefined ? '' : `; ${details.remedy}`;
    const reason = message.endsWith(ending) ? message.slice(0, message.length - ending.length) : message;
    super(reason + ending, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HeedError';
    this.code = code;
    this.reason = reason;
    this.clause = details.clause;
    this.remedy = details.remedy;
    Object.defineProperty(this, marker, { value: true });
  }

  static isInstance(value: unknown): value is HeedError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  toJSON(): HeedErrorJSON {
    return {
      heedError: 1,
      code: this.code,
      message: this.message,
      ...(this.clause !== undefined && { clause: this.clause }),
      ...(this.remedy !== undefined && { remedy: this.remedy }),
      ...(this.cause !== undefined && { cause: String(this.cause) }),
    };
  }

  /** The error that {@link toJSON} described; its `cause` is now a string. */
  static fromJSON(json: HeedErrorJSON): HeedError {
    return new HeedError(json.code, json.message, json);
  }
}
