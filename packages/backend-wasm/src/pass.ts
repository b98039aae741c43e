import type { Origin, Tensor } from '@heed/core';
import type { Engine } from './platform/engine.ts';
import type { ModuleLease } from './platform/modules.ts';
import { filledBy, withBlocks } from './memory/blocks.ts';
import type { WasmTensor } from './memory/wasm-tensor.ts';
import type { Addresses, Plan } from './plan/plan.ts';
import type { ResultForms } from './results.ts';

/** Inputs of a pass: tensors in its memory, small ones on the host, a seed and the origin of what it counts. */
export type Operands = Readonly<Record<string, WasmTensor | Tensor | Origin | number | undefined>>;

/** Number of multiplications below which a call is over before another thread is awake. */
const WORTH_HELP = 1_000_000;

/** One pass of a kernel, forward or gradient: a plan whose module is compiled. */
export class Pass {
  readonly plan: Plan;
  private readonly engine: Engine;
  private readonly lease: ModuleLease;
  private readonly helpers: number;

  private constructor(engine: Engine, plan: Plan, lease: ModuleLease, multiplications: number) {
    this.engine = engine;
    this.plan = plan;
    this.lease = lease;
    const maximumTasks = plan.phases.reduce((maximum, { tasks }) => Math.max(maximum, tasks), 1);
    this.helpers = multiplications < WORTH_HELP ? 0 : engine.team.helpersFor(maximumTasks);
  }

  /** @param multiplications approximate number that it does. */
  static async compile(engine: Engine, plan: Plan, multiplications: number): Promise<Pass> {
    return new Pass(engine, plan, await engine.modules.lease(plan.module), multiplications);
  }

  get scratchBytes(): number {
    const { threadScratchBytes, sharedScratchBytes, frameBytes } = this.plan;
    return (1 + this.helpers) * threadScratchBytes + sharedScratchBytes + frameBytes;
  }

  dispose(): void {
    this.lease.release();
  }

  /** @returns new tensors of these forms. */
  async run<F extends ResultForms>(
    operands: Operands,
    forms: F,
    signal: AbortSignal | undefined,
  ): Promise<Record<keyof F & string, WasmTensor>> {
    const { heap, queue } = this.engine;
    return queue.run(
      () => filledBy(heap, forms, (results) => this.compute({ ...operands, ...results }, signal)),
      signal,
    );
  }

  private compute(tensors: Operands, signal: AbortSignal | undefined): Promise<void> {
    const { heap, team } = this.engine;
    const { phases, frameBytes, sharedScratchBytes, threadScratchBytes } = this.plan;
    return withBlocks(heap, async ({ allocate, copyOf }) => {
      const addresses: Record<string, number | Origin> = {};
      for (const [name, value] of Object.entries(tensors)) {
        if (isTensor(value)) addresses[name] = (isWasmTensor(value) ? value : copyOf(value)).address;
        else if (value !== undefined) addresses[name] = value;
      }
      addresses['scratch'] = allocate(sharedScratchBytes);
      const scratchStride = Math.ceil(threadScratchBytes / 64) * 64;
      const scratch = allocate((1 + this.helpers) * scratchStride);
      const frame = allocate(frameBytes);
      this.plan.writeFrame(heap.view(), frame, addresses as unknown as Addresses);
      const { module } = this.lease;
      await team.run({ module, phases, frame, scratch, scratchStride }, this.helpers, signal);
    });
  }
}

function isTensor(value: Operands[string]): value is WasmTensor | Tensor {
  return typeof value === 'object' && 'shape' in value;
}

function isWasmTensor(value: WasmTensor | Tensor): value is WasmTensor {
  return 'address' in value;
}
