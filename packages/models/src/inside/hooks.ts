import { HeedError, type Tensor, isResident } from '@heed/core';
import {
  type OptionKind,
  checkOptions,
  integer,
  listOf,
  oneOf,
  required,
  shown,
  sizeOf,
  toTensor,
} from '@heed/core/backend';
import type { FloatTensorLike } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';

/** Parts of a layer's attention, head by head. */
const OF_HEADS = ['weights', 'query', 'key', 'value', 'output'] as const;

/** Parts of a layer, `[B, L, E]`. */
const OF_LAYERS = ['feedForward', 'residual'] as const;

/**
 * Part of a run to return. Of heads, by their numbers (query heads; a key is that of the head's group):
 * `weights` `[B, n, Lq, Lk]`; `query`, `key` and `value` `[B, n, L, D]` of the run's own tokens, as they are attended with;
 * `output` `[B, n, L, D]`, before the output projection. Of a layer: `feedForward` `[B, L, E]`, which it adds to the stream, and
 * `residual` `[B, L, E]`, the stream behind the layer.
 */
export type Capture =
  | {
      readonly layer: number;
      /** Default: all. */
      readonly heads?: readonly number[] | undefined;
      readonly what: (typeof OF_HEADS)[number];
    }
  | { readonly layer: number; readonly what: (typeof OF_LAYERS)[number] };

/**
 * Part of a run to change. `off`: heads that add nothing. `weights` and `output`: values of the shapes of {@link
 * Capture}, such as one that another run captured. Captures have the values that the model went on with.
 */
export type Change =
  | { readonly layer: number; readonly heads: readonly number[]; readonly what: 'off' }
  | {
      readonly layer: number;
      readonly heads: readonly number[];
      readonly what: 'weights' | 'output';
      readonly value: FloatTensorLike;
    }
  | {
      readonly layer: number;
      readonly what: (typeof OF_LAYERS)[number];
      readonly value: FloatTensorLike;
    };

/** Shapes of a run. */
export interface RunShape {
  readonly batch: number;
  readonly queries: number;
  /** The number of tokens of the longest text, those of this run included. */
  readonly keys: number;
}

/** Numbers of a model that captures and changes are checked against. */
export type HookedConfig = Pick<DecoderConfig, 'layers' | 'heads' | 'headDim' | 'width'>;

/** Captures and changes of a run, checked before it begins. */
export class Hooks {
  readonly #config: HookedConfig;
  readonly #captures: readonly Capture[];
  readonly #changes: readonly Change[];
  readonly #captured = new Map<Capture, Tensor<'float32'>>();

  /** @throws HeedError `ARGUMENT`, `UNKNOWN_OPTION`, `SHAPE` or `DTYPE`. */
  constructor(
    config: HookedConfig,
    shape: RunShape,
    captures: readonly Capture[],
    changes: readonly Change[],
  ) {
    this.#config = config;
    for (const capture of captures) checkPlace('capture', config, capture, [...OF_HEADS, ...OF_LAYERS]);
    this.#captures = captures;
    this.#changes = changes.map((change) => {
      checkPlace('change', config, change, ['off', 'weights', 'output', ...OF_LAYERS]);
      return change.what === 'off' ? change : { ...change, value: valueOf(change, config, shape) };
    });
  }

  /** Returns whether anything of a layer is captured or changed. */
  touches(layer: number): boolean {
    return [...this.#captures, ...this.#changes].some((one) => one.layer === layer);
  }

  /** Returns whether a part of a layer is captured. */
  captures(layer: number, what: Capture['what']): boolean {
    return this.#capturesOf(layer, what).length > 0;
  }

  /** Heads of a layer of which a part is captured, each once; empty where none is. */
  headsOf(layer: number, what: Capture['what']): readonly number[] {
    const heads = this.#capturesOf(layer, what).flatMap((capture) => this.#heads(capture));
    return [...new Set(heads)].sort((a, b) => a - b);
  }

  /** @param part of the heads of {@link headsOf}, in their order; of a layer, the whole. */
  capture(layer: number, what: Capture['what'], part: () => Tensor<'float32'>, take: TakeHeads): void {
    const captures = this.#capturesOf(layer, what);
    if (captures.length === 0) return;
    const all = this.headsOf(layer, what);
    const whole = part();
    for (const capture of captures) {
      if (isOfLayer(what)) this.#captured.set(capture, { ...whole, data: whole.data.slice() });
      else {
        const places = this.#heads(capture).map((head) => all.indexOf(head));
        this.#captured.set(capture, take(whole, places));
      }
    }
  }

  /** Changes of a part of a layer, in the order in which they were given. */
  changesOf(
    layer: number,
    what: Change['what'],
  ): readonly { readonly heads: readonly number[]; readonly value?: Tensor<'float32'> }[] {
    return this.#changes
      .filter((change) => change.layer === layer && change.what === what)
      .map((change) => ({
        heads: 'heads' in change ? change.heads : [],
        ...('value' in change && { value: change.value as Tensor<'float32'> }),
      }));
  }

  /** Returns the captures, in the order of the requests. */
  results(): readonly Tensor<'float32'>[] {
    return this.#captures.map((capture) => this.#captured.get(capture)!);
  }

  #capturesOf(layer: number, what: Capture['what']): readonly Capture[] {
    return this.#captures.filter((capture) => capture.layer === layer && capture.what === what);
  }

  #heads(capture: Capture): readonly number[] {
    return 'heads' in capture && capture.heads !== undefined
      ? capture.heads
      : Array.from({ length: this.#config.heads }, (_, head) => head);
  }
}

/** Kind of an option that another one excludes. */
const NOTHING: OptionKind = { expected: 'nothing', accepts: () => false };

type TakeHeads = (tensor: Tensor<'float32'>, heads: readonly number[]) => Tensor<'float32'>;

function isOfLayer(what: string): boolean {
  return (OF_LAYERS as readonly string[]).includes(what);
}

function checkPlace(
  owner: string,
  { layers, heads }: HookedConfig,
  place: Capture | Change,
  kinds: readonly string[],
): void {
  const list = listOf(integer(0, heads - 1));
  checkOptions<{ layer: number; what: string; heads?: unknown; value?: unknown }>(owner, place, {
    layer: required(integer(0, layers - 1)),
    what: required(oneOf(...kinds)),
    heads: isOfLayer(place.what) ? NOTHING : owner === 'change' ? required(list) : list,
    value: owner === 'change' && place.what !== 'off' ? true : NOTHING,
  });
  const named = ('heads' in place && place.heads) || [];
  if (new Set(named).size === named.length) return;
  throw new HeedError('ARGUMENT', `${owner}: heads are [${named.join(', ')}]; expected each head once`, {
    remedy: 'name a head once',
  });
}

function valueOf(
  change: Exclude<Change, { readonly what: 'off' }>,
  { width, headDim }: HookedConfig,
  { batch, queries, keys }: RunShape,
): Tensor<'float32'> {
  if (change.value === undefined) {
    throw new HeedError('MISSING_INPUT', `change: the value of ${change.what} is missing`, {
      remedy: 'give what another run captured',
    });
  }
  const value = toTensor('change.value', change.value, 'float', 'float32');
  const count = 'heads' in change ? change.heads.length : 0;
  const last = change.what === 'weights' ? keys : headDim;
  const expected = 'heads' in change ? [batch, count, queries, last] : [batch, queries, width];
  if (isResident(value) || value.dtype !== 'float32') {
    throw new HeedError('DTYPE', `change.value is ${value.dtype}; expected a plain tensor, float32`, {
      remedy: 'give a Float32Array with a shape, or what a run captured',
    });
  }
  if (value.shape.join() === expected.join() && value.data.length === sizeOf(expected)) {
    return value as Tensor<'float32'>;
  }
  throw new HeedError(
    'SHAPE',
    `change.value is [${value.shape.join(', ')}]; expected [${expected.join(', ')}]`,
    { remedy: `give ${change.what} of layer ${shown(change.layer)} the shape that it has in this run` },
  );
}
