import type { ComputeDType } from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import { type ModuleBuilder, i32, int, v128, whileTrue } from '@heed/core/wasm';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import { ITEM_PARAMETERS, minimum } from '../module/context.ts';
import type { Element } from '../module/element.ts';
import type { Engine } from '../platform/engine.ts';
import { fieldsOf, leaseOperation, phaseOf, runOperation } from './frame.ts';

/** Bytes of a work item: whole vectors. */
const ITEM_BYTES = 2 ** 16;
/** Elements below which a sum is over before another thread is awake. */
const WORTH_HELP = 2 ** 18;

/** Adds a tensor to a result, in place. */
export async function addTensor(
  engine: Engine,
  result: WasmTensor,
  other: WasmTensor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const dtype = result.dtype as ComputeDType;
  const elements = result.length;
  const lease = await leaseOperation(engine, 'add', { dtype }, writeAdd);
  try {
    const tasks = Math.ceil((elements * ELEMENT_BYTES[dtype]) / ITEM_BYTES);
    const operation = { lease, phases: [phaseOf('add', tasks)], amount: elements / WORTH_HELP };
    const fields = { output: result, residual: other, elements };
    await runOperation(engine, operation, {}, fields, signal);
  } finally {
    lease.release();
  }
}

/** result += other, one export: `add(item, frame, scratch)`. */
function writeAdd(module: ModuleBuilder, { vector, scalar, bytes, size }: Element): void {
  module.function({ parameters: ITEM_PARAMETERS, name: 'add' }, (body, item, frame) => {
    const given = fieldsOf(frame);
    const [to, from, end, whole, total] = body.locals('i32', 5);
    const step = (by: number) => [to.set(i32.add(to, int(by))), from.set(i32.add(from, int(by)))];
    return [
      to.set(i32.mul(item, int(ITEM_BYTES))),
      end.set(i32.add(to, int(ITEM_BYTES))),
      total.set(size(given('elements'))),
      end.set(i32.add(given('output'), minimum(end, total))),
      from.set(i32.add(given('residual'), to)),
      to.set(i32.add(given('output'), to)),
      whole.set(i32.sub(end, i32.and(i32.sub(end, to), int(15)))),
      whileTrue(i32.ltU(to, whole), [v128.store(to, vector.add(v128.load(to), v128.load(from))), step(16)]),
      whileTrue(i32.ltU(to, end), [
        scalar.store(to, scalar.add(scalar.load(to), scalar.load(from))),
        step(bytes),
      ]),
    ];
  });
}
