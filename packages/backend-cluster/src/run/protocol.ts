import type { AttentionProblem, Capabilities, HeedErrorJSON, Origin, Tensor } from '@heed/core';

/** Version of the messages below. */
export const PROTOCOL = 1;

/** Number of queues that tasks are spread over; one worker at a time holds each. */
export const GROUPS = 32;

/** Message in which a worker presents itself several times a second. */
export interface Presence {
  readonly protocol: number;
  readonly worker: string;
  readonly contract: number;
  /** The name of its backend. */
  readonly backend: string;
  readonly device: string;
  readonly capabilities: Capabilities;
  /** Silence after which it counts as gone, in milliseconds. */
  readonly life: number;
  /** Tasks that it has in hand: `run/index`. */
  readonly working: readonly string[];
}

/** A part of a tensor that workers keep, in a certain state. */
export interface StoredPart {
  readonly part: number;
  /** The state that was stored as a whole; null for zeros. */
  readonly base: number | null;
  /** The requested state: the writes base + 1 … version come on top. */
  readonly version: number;
}

/** Location of a tensor of a task, and the slices that are meant. */
export interface StoredTensor {
  readonly $stored: string;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  /** It is cut on this axis, after each `partLength` slices. */
  readonly axis: number;
  readonly partLength: number;
  /** The parts that hold what is meant. */
  readonly parts: readonly StoredPart[];
  /** Slices of an axis that are meant; null for all. */
  readonly slice: { readonly axis: number; readonly start: number; readonly end: number } | null;
  /** The shape that it has for the task, and that the slices are of; null for its own. */
  readonly view: readonly number[] | null;
}

export type TaskTensor = Tensor | StoredTensor;

/** Inputs of a task by their names. */
export type TaskInputs = Readonly<Record<string, TaskTensor | number | Origin>>;

/** The work of one worker for a run. */
export interface Task {
  readonly protocol: number;
  /** Kind of worker that may compute it: of those that were there when the backend was created. */
  readonly kind: string;
  /** Id of the caller, which the answer goes to. */
  readonly asker: string;
  readonly run: string;
  readonly index: number;
  readonly problem: AttentionProblem;
  /** Without a value that is a part of its key. */
  readonly inputs: TaskInputs;
  /** Inputs of a gradient. */
  readonly gradient?: {
    readonly dOutput: TaskTensor;
    /** For a part of the keys: output and statistics over all of them. */
    readonly whole?: {
      readonly output: TaskTensor;
      readonly rowMax: TaskTensor;
      readonly rowSum: TaskTensor;
    };
    /** Gradients that are stored under a name, and not sent back. */
    readonly store: Readonly<Record<string, string>>;
  };
}

/** A task or an answer too large for a message: the blob that holds it. */
export interface Elsewhere {
  readonly $elsewhere: string;
}

/** Result of a task, or its failure. */
export interface Answer {
  readonly worker: string;
  readonly results?: Readonly<Record<string, unknown>>;
  readonly error?: HeedErrorJSON;
  /** Milliseconds of computing. */
  readonly compute: number;
  /** Bytes of tensors that it fetched for it. */
  readonly fetched: number;
  readonly delivery: number;
}

export function isStored(value: unknown): value is StoredTensor {
  return typeof value === 'object' && value !== null && '$stored' in value;
}

/** Returns the name of a blob: the whole state `version` of a part. */
export function baseName(tensor: string, part: number, version: number): string {
  return `${tensor}.${part}.base.${version}`;
}

/** Returns the name of a blob: the write that made state `version` of a part. */
export function writeName(tensor: string, part: number, version: number): string {
  return `${tensor}.${part}.write.${version}`;
}

/** A write as it is stored: slices of one axis, in all of the part or in one element of its first axis. */
export interface StoredWrite {
  readonly part: Tensor;
  readonly axis: number;
  readonly start: number | readonly number[];
  readonly element: number | null;
}

/** Kind of a worker: everything that decides the bits of results, so equal for all workers of a namespace. */
export function kindOf({
  contract,
  backend,
  device,
}: Pick<Presence, 'contract' | 'backend' | 'device'>): string {
  return `${backend}, ${levelOf(device)}, contract ${contract}`;
}

/** Part of a device description that decides the bits: all but the number of threads. */
export function levelOf(device: string): string {
  return device.replace(/,? *\d+ threads?$/, '');
}
