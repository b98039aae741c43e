import type { ComputeDType } from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import {
  type Block,
  type Locals,
  type ModuleBuilder,
  type Variable,
  i32,
  int,
  repeatWhile,
  v128,
} from '@heed/core/wasm';
import type { Forms } from '../memory/blocks.ts';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import { ITEM_PARAMETERS, minimum } from '../module/context.ts';
import type { Element } from '../module/element.ts';
import type { Engine } from '../platform/engine.ts';
import { fieldsOf, leaseOperation, phaseOf, runOperation } from './frame.ts';

/** Bytes of a work item: whole vectors. */
const ITEM_BYTES = 2 ** 16;

/** A function of the numbers at one place of two tensors. */
export interface Elementwise {
  /** Distinguishes functions. */
  readonly name: string;
  /** Elements below which a run is over before another thread is awake. */
  readonly worthHelp: number;
  /** Code to put before the loop, and code that changes a vector of the first tensor in place; `other` is of the second. */
  write(
    element: Element,
    body: Locals,
  ): {
    readonly prepare?: Block;
    apply(x: Variable<'v128'>, other: Variable<'v128'>): Block;
  };
}

/** Computes a function of the elements of two tensors. Returns a new tensor, or fills `output`. */
export async function eachElement(
  engine: Engine,
  { name, worthHelp, write }: Elementwise,
  { input, residual, output }: { input: WasmTensor; residual: WasmTensor | undefined; output?: WasmTensor },
  signal: AbortSignal | undefined,
): Promise<WasmTensor> {
  const { shape, length: elements } = input;
  const dtype = input.dtype as ComputeDType;
  const lease = await leaseOperation(engine, name, { dtype }, (module, element) =>
    writeLoop(module, element, write),
  );
  try {
    const tasks = Math.ceil((elements * ELEMENT_BYTES[dtype]) / ITEM_BYTES);
    const operation = { lease, phases: [phaseOf('each', tasks)], amount: elements / worthHelp };
    const forms = (output ? {} : { output: { dtype, shape } }) as Forms<'output'>;
    const fields = { input, residual, output, elements };
    const made = await runOperation(engine, operation, forms, fields, signal);
    return output ?? made.output;
  } finally {
    lease.release();
  }
}

/** One export: `each(item, frame, scratch)`. Blocks of the heap are whole vectors. */
function writeLoop(module: ModuleBuilder, element: Element, write: Elementwise['write']): void {
  module.function({ parameters: ITEM_PARAMETERS, name: 'each' }, (body, item, frame) => {
    const given = fieldsOf(frame);
    const [at, end, otherAt, to] = body.locals('i32', 4);
    const [x, other] = body.locals('v128', 2);
    const { prepare = [], apply } = write(element, body);
    return [
      prepare,
      at.set(i32.mul(item, int(ITEM_BYTES))),
      end.set(i32.sub(element.size(given('elements')), at)),
      end.set(minimum(end, int(ITEM_BYTES))),
      otherAt.set(i32.add(given('residual'), at)),
      to.set(i32.add(given('output'), at)),
      at.set(i32.add(given('input'), at)),
      end.set(i32.add(end, at)),
      repeatWhile(i32.ltU(at, end), [
        x.set(v128.load(at)),
        other.set(v128.load(otherAt)),
        apply(x, other),
        v128.store(to, x),
        [at, otherAt, to].map((address) => address.set(i32.add(address, int(16)))),
      ]),
    ];
  });
}
