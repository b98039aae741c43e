import { type Code, ModuleBuilder, type Variable, i32, int, select } from '@heed/core/wasm';
import { type Frame, frameAt } from '../plan/frame.ts';
import { type Scratch, scratchOf } from '../plan/scratch.ts';
import { type Tiling, tilingOf } from '../plan/tiling.ts';
import { type Needs, type Variant, needsOf } from '../plan/variant.ts';
import { type Element, elementOf } from './element.ts';
import { type Storage, elementStorage, storageOf } from './storage.ts';

/** Parameters of a work item's function: its index, the frame's address, and that of the thread's scratch. */
export const ITEM_PARAMETERS = ['i32', 'i32', 'i32'] as const;

/** Common context of the functions of a module while it is written. */
export interface Context {
  readonly variant: Variant;
  readonly needs: Needs;
  readonly element: Element;
  /** Form of query, bias, float mask, output, weights, and of their gradients in memory. */
  readonly storage: Storage;
  /** Form of key and value; of elements, where they are quantized, which `cache-rows.ts` reads. */
  readonly cache: Storage;
  readonly tiling: Tiling;
  readonly scratch: Scratch;
  readonly module: ModuleBuilder;
  readonly frame: Frame;
  readonly item: WorkItem;
}

/** State of a work item, in globals: every thread has an instance of its own, and so globals of its own. */
export interface WorkItem {
  readonly frame: Variable<'i32'>;
  readonly scratch: Variable<'i32'>;
  readonly batch: Variable<'i32'>;
  readonly kvHead: Variable<'i32'>;
  /** Index among the packed key/value heads. */
  readonly slot: Variable<'i32'>;
  /** Index of the split of the keys. */
  readonly split: Variable<'i32'>;
  /**
   * In a ring, key 0 of kernels is the oldest one that is there: `base` before it are not, and it lies at row `shift`. The
   * numbers of keys elsewhere count from it.
   */
  readonly base: Variable<'i32'>;
  readonly shift: Variable<'i32'>;
  /** The block of query rows: the first, and their number. */
  readonly firstRow: Variable<'i32'>;
  readonly count: Variable<'i32'>;
  /** Keys that some row of the block may see, by causal, window and lengths. */
  readonly firstKey: Variable<'i32'>;
  readonly endKey: Variable<'i32'>;
  /** Addresses of the tile's first key and value, and of its bytes that say which keys are non-finite. */
  readonly keyAt: Variable<'i32'>;
  readonly valueAt: Variable<'i32'>;
  readonly nonFiniteAt: Variable<'i32'>;
  /** True if any of these bytes is not 0. */
  readonly tileNonFinite: Variable<'i32'>;
  /** Keys from … to − 1 of the tile, whole register tiles, are those that a row group has scores with. */
  readonly from: Variable<'i32'>;
  readonly to: Variable<'i32'>;
}

function cacheStorage({ cache }: Variant, element: Element): Storage {
  return cache === 'int8' || cache === 'int4x2' ? elementStorage(element) : storageOf(cache, element);
}

export function contextOf(variant: Variant): Context {
  const module = new ModuleBuilder();
  const global = (): Variable<'i32'> => module.global('i32');
  const item: WorkItem = {
    frame: global(),
    scratch: global(),
    batch: global(),
    kvHead: global(),
    slot: global(),
    split: global(),
    base: global(),
    shift: global(),
    firstRow: global(),
    count: global(),
    firstKey: global(),
    endKey: global(),
    keyAt: global(),
    valueAt: global(),
    nonFiniteAt: global(),
    tileNonFinite: global(),
    from: global(),
    to: global(),
  };
  const tiling = tilingOf(variant);
  const element = elementOf(variant.dtype, variant.relaxed, variant.wide);
  return {
    variant,
    needs: needsOf(variant),
    element,
    storage: storageOf(variant.storage, element),
    cache: cacheStorage(variant, element),
    tiling,
    scratch: scratchOf(variant, tiling, element),
    module,
    frame: frameAt(item.frame),
    item,
  };
}

/** base + index · size */
export function place(base: Code<'i32'>, index: Code<'i32'>, size: number | Code<'i32'>): Code<'i32'> {
  return i32.add(base, i32.mul(index, typeof size === 'number' ? int(size) : size));
}

/** Tensors that have a row for each key. */
export type RowTensor = 'key' | 'value' | 'keyScales' | 'valueScales';

/**
 * Address of a row of a tensor `[outer, head, row, depth]`: the outer index is an element of the batch, or a page.
 *
 * @param base address of the tensor. Default that of the frame; others have the same strides.
 */
export function rowAddress(
  frame: Frame,
  name: RowTensor | 'query' | 'output' | 'mask' | 'bias',
  [outer, head, row]: readonly [Code<'i32'>, Code<'i32'>, Code<'i32'>],
  base: Code<'i32'> = frame.integer(name),
): Code<'i32'> {
  const ofHead = place(place(base, outer, frame.integer(`${name}Batch`)), head, frame.integer(`${name}Head`));
  return place(ofHead, row, frame.integer(`${name}Row`));
}

/** The lesser of two variables or constants, as signed integers. */
export function minimum(a: Code<'i32'>, b: Code<'i32'>): Code<'i32'> {
  return select(a, b, i32.ltS(a, b));
}

/** The greater of two variables or constants, as signed integers. */
export function maximum(a: Code<'i32'>, b: Code<'i32'>): Code<'i32'> {
  return select(a, b, i32.gtS(a, b));
}
