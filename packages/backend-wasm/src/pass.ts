import type { Origin, Tensor } from '@heed/core';
import type { Engine } from './platform/engine.ts';
import { type Fill, type Work, compute, helpersOf } from './platform/compute.ts';
import type { ModuleLease } from './platform/modules.ts';
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
  private readonly work: Work;

  private constructor(engine: Engine, plan: Plan, lease: ModuleLease, multiplications: number) {
    this.engine = engine;
    this.plan = plan;
    const { phases, frameBytes, sharedScratchBytes: sharedBytes, threadScratchBytes: scratchBytes } = plan;
    const amount = multiplications / WORTH_HELP;
    this.work = { lease, phases, frameBytes, sharedBytes, scratchBytes, amount };
  }

  /** @param multiplications approximate number that it does. */
  static async compile(engine: Engine, plan: Plan, multiplications: number): Promise<Pass> {
    return new Pass(engine, plan, await engine.modules.lease(plan.module), multiplications);
  }

  get scratchBytes(): number {
    const { threadScratchBytes, sharedScratchBytes, frameBytes } = this.plan;
    return (1 + helpersOf(this.engine, this.work)) * threadScratchBytes + sharedScratchBytes + frameBytes;
  }

  dispose(): void {
    this.work.lease.release();
  }

  /** @returns new tensors of these forms. */
  run<F extends ResultForms>(
    operands: Operands,
    forms: F,
    signal: AbortSignal | undefined,
  ): Promise<Record<keyof F & string, WasmTensor>> {
    const fill: Fill<string> = ({ frame, shared }, results, { copyOf }) => {
      const addresses: Record<string, number | Origin> = {};
      for (const [name, value] of Object.entries({ ...operands, ...results })) {
        if (isTensor(value)) addresses[name] = (isWasmTensor(value) ? value : copyOf(value)).address;
        else if (value !== undefined) addresses[name] = value;
      }
      addresses['scratch'] = shared;
      this.plan.writeFrame(this.engine.heap.view(), frame, addresses as unknown as Addresses);
    };
    return compute(this.engine, this.work, forms, fill, signal);
  }
}

function isTensor(value: Operands[string]): value is WasmTensor | Tensor {
  return typeof value === 'object' && 'shape' in value;
}

function isWasmTensor(value: WasmTensor | Tensor): value is WasmTensor {
  return 'address' in value;
}
