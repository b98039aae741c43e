import type { Code } from '../emit/code.ts';
import { i32, int } from '../emit/instructions.ts';
import { ModuleBuilder, type Variable } from '../emit/module.ts';
import { type Element, elementOf } from './element.ts';
import { type Frame, frameAt } from './frame.ts';
import { type Scratch, scratchOf } from './scratch.ts';
import { type Tiling, tilingOf } from './tiling.ts';
import { type Parts, type Variant, partsOf } from './variant.ts';

/** What the parts of a module have in common while it is written. */
export interface Kernel {
  readonly variant: Variant;
  readonly parts: Parts;
  readonly element: Element;
  readonly tiling: Tiling;
  readonly scratch: Scratch;
  readonly module: ModuleBuilder;
  readonly frame: Frame;
  readonly task: TaskState;
}

/** What a task is about, in globals: every thread has an instance of its own, and with it globals of its own. */
export interface TaskState {
  readonly frame: Variable;
  readonly scratch: Variable;
  readonly batch: Variable;
  readonly kvHead: Variable;
  /** Which of the packed key/value heads. */
  readonly slot: Variable;
  /** Which part of the keys. */
  readonly part: Variable;
  /** The block of query rows: the first, and how many. */
  readonly firstRow: Variable;
  readonly count: Variable;
  /** Keys that some row of the block may see, by causal, window and lengths. */
  readonly firstKey: Variable;
  readonly endKey: Variable;
  /** Addresses of the tile's first key and value, and of its bytes that say what is not finite. */
  readonly keyAt: Variable;
  readonly valueAt: Variable;
  readonly badAt: Variable;
  /** Whether any of them is not 0. */
  readonly tileBad: Variable;
  /** Keys from … to − 1 of the tile, whole register tiles, are those that a group of rows has scores with. */
  readonly from: Variable;
  readonly to: Variable;
}

export function kernelOf(variant: Variant): Kernel {
  const module = new ModuleBuilder();
  const global = (): Variable => module.global('i32');
  const task: TaskState = {
    frame: global(),
    scratch: global(),
    batch: global(),
    kvHead: global(),
    slot: global(),
    part: global(),
    firstRow: global(),
    count: global(),
    firstKey: global(),
    endKey: global(),
    keyAt: global(),
    valueAt: global(),
    badAt: global(),
    tileBad: global(),
    from: global(),
    to: global(),
  };
  const tiling = tilingOf(variant);
  const element = elementOf(variant.dtype, variant.relaxed);
  return {
    variant,
    parts: partsOf(variant),
    element,
    tiling,
    scratch: scratchOf(variant, tiling, element),
    module,
    frame: frameAt(task.frame),
    task,
  };
}

/** base + index · size */
export function place(base: Code, index: Code, size: number | Code): Code {
  return i32.add(base, i32.mul(index, typeof size === 'number' ? int(size) : size));
}

/** The lesser of two variables or constants, as signed integers. */
export function least(a: Code, b: Code): Code {
  return [a, b, i32.ltS(a, b), 0x1b];
}

/** The greater of two variables or constants, as signed integers. */
export function greatest(a: Code, b: Code): Code {
  return [a, b, i32.gtS(a, b), 0x1b];
}
