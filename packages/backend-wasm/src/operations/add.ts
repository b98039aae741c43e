import type { ComputeDType } from '@heed/core';
import { ModuleBuilder, i32, int, v128, whileTrue } from '@heed/core/wasm';
import { withBlocks } from '../memory/blocks.ts';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import { ITEM_PARAMETERS, minimum } from '../module/context.ts';
import { elementOf } from '../module/element.ts';
import type { Engine } from '../platform/engine.ts';

/** Bytes of a work item: whole vectors. */
const ITEM_BYTES = 2 ** 16;
/** Bytes below which a sum is over before another thread is awake. */
const WORTH_HELP = 2 ** 20;
/** Offsets in a frame of the addresses of result and other, and of the number of bytes. */
const FRAME = { result: 0, other: 4, bytes: 8 } as const;
const FRAME_BYTES = 12;

/** Adds a tensor to a result, in place. */
export async function addTensor(
  { heap, team, modules, queue, planOptions: { shared } }: Engine,
  result: WasmTensor,
  other: WasmTensor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const dtype = result.dtype as ComputeDType;
  const bytes = result.length * elementOf(dtype, false).bytes;
  const lease = await modules.lease({
    key: `add ${dtype}`,
    generate: () => generateAdd(dtype, shared),
  });
  try {
    await withBlocks(heap, async ({ allocate }) => {
      const frame = allocate(FRAME_BYTES);
      const view = heap.view();
      view.setUint32(frame + FRAME.result, result.address, true);
      view.setUint32(frame + FRAME.other, other.address, true);
      view.setUint32(frame + FRAME.bytes, bytes, true);
      const tasks = Math.ceil(bytes / ITEM_BYTES);
      const phases = [{ export: 'add', firstTask: 0, tasks }];
      const job = { module: lease.module, phases, frame, scratch: 0, scratchStride: 0 };
      await queue.run(() => team.run(job, bytes < WORTH_HELP ? 0 : team.helpersFor(tasks), signal), signal);
    });
  } finally {
    lease.release();
  }
}

/** result += other, one export: `add(item, frame, scratch)`. */
function generateAdd(dtype: ComputeDType, shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const { vector, scalar, bytes } = elementOf(dtype, false);
  module.function({ parameters: ITEM_PARAMETERS, name: 'add' }, (body, item, frame) => {
    const [to, from, end, whole, total] = body.locals('i32', 5);
    const step = (size: number) => [to.set(i32.add(to, int(size))), from.set(i32.add(from, int(size)))];
    return [
      to.set(i32.mul(item, int(ITEM_BYTES))),
      end.set(i32.add(to, int(ITEM_BYTES))),
      total.set(i32.load(frame, FRAME.bytes)),
      end.set(i32.add(i32.load(frame, FRAME.result), minimum(end, total))),
      from.set(i32.add(i32.load(frame, FRAME.other), to)),
      to.set(i32.add(i32.load(frame, FRAME.result), to)),
      whole.set(i32.sub(end, i32.and(i32.sub(end, to), int(15)))),
      whileTrue(i32.ltU(to, whole), [v128.store(to, vector.add(v128.load(to), v128.load(from))), step(16)]),
      whileTrue(i32.ltU(to, end), [
        scalar.store(to, scalar.add(scalar.load(to), scalar.load(from))),
        step(bytes),
      ]),
    ];
  });
  return module.build(shared ? 'shared' : 'unshared');
}
