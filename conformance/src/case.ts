import type {
  AttentionBackend,
  AttentionProblem,
  BackendProvider,
  Feature,
  FloatDType,
  Guarantee,
  Operation,
  StoredType,
  Tensor,
} from '@heed/core';
import type { CaseRequest } from './case-request.ts';

/** Fields of every case. */
interface CaseBase {
  /** Stable, unique, readable: `window/left-3/across-tiles`. */
  readonly id: string;
  /** The clause of SPEC.md that the case checks, and that reports list it under. */
  readonly clause: string;
  /** Purpose of the case, in a sentence: shown when it fails. Every case of the suite has one. */
  readonly purpose?: string;
}

/** A request whose results must agree with the float64 reference, within the clause `accuracy`. */
export interface AgreementCase extends CaseBase {
  readonly kind: 'agreement';
  /** Fresh tensors at each call: a backend that writes to its inputs must not spoil the next case. */
  request(): CaseRequest;
  /** The gradient of the output, when the request asks for the gradient. */
  dOutput?(): Tensor;
  /** Values from outside the project, which the results must match as well. */
  readonly expected?: ExpectedValues;
}

/** Results from another source, with the tolerance that their own rounding needs. */
export interface ExpectedValues {
  /** Source of the values: `ONNX backend node tests, opset 23`. */
  readonly source: string;
  /** Added to the bound of the clause `accuracy`: the error of the expected values themselves. */
  readonly tolerance: number;
  /** Values by output name; statistics and gradients by their field names (`rowMax`, `dQuery`). */
  readonly values: Readonly<Record<string, Tensor>>;
}

/** Anything that is not one comparison: errors, lifetimes, overlapping calls, guarantees, properties. */
export interface BehaviorCase extends CaseBase {
  readonly kind: 'behavior';
  /** Features that the case needs; without one of them it does not apply and is omitted. */
  readonly features: readonly Feature[];
  /** Operations that the case needs, in the same way. */
  readonly operations?: readonly Operation[];
  /** The type of stored weights that the case needs, in the same way. */
  readonly weightType?: StoredType;
  /** The element type that the case needs, if not float32; without it the case is omitted. */
  readonly dtype?: FloatDType;
  /** The guarantee that the case tests: reported as "not guaranteed" if it is not declared. */
  readonly guarantee?: Guarantee;
  /** Throws, with a message for the backend's author, when the backend is at fault. */
  run(subject: Subject): Promise<void>;
}

/**
 * Calls of one kernel, each compared with the reference. Like one comparison, it is refused where its problem is not
 * declared.
 */
export interface SequenceCase extends CaseBase {
  readonly kind: 'sequence';
  /** The problem of all its calls. */
  readonly problem: AttentionProblem;
  /** Throws, with a message for the backend's author, when the backend is at fault. Never called where it must refuse. */
  run(subject: Subject): Promise<void>;
}

/** A case of the suite: a comparison with the reference, a behavior, or a sequence of runs. */
export type ConformanceCase = AgreementCase | BehaviorCase | SequenceCase;

/** Arguments of a behavior case. All cases share `backend`; one that disposes makes its own. */
export interface Subject {
  readonly provider: BackendProvider;
  readonly backend: AttentionBackend;
}
