import {
  type AttentionInputs,
  type AttentionProblem,
  type AttentionResults,
  type BackendProvider,
  CONTRACT_VERSION,
  type FloatDType,
  type GradientInputs,
  type Origin,
  type Tensor,
} from '@heed/core';
import { computeDType, defineBackend, zeros } from '@heed/core/backend';
import { CAPABILITIES } from '../capabilities.ts';
import { forwardPlan, gradientPlan } from '../plan/index.ts';
import type { Addresses, KernelModule, Plan, PlanOptions, TensorName } from '../plan/plan.ts';

type Exports = Record<string, (item: number, frame: number, scratch: number) => void>;
type Tensors = Partial<Record<TensorName, Tensor>>;
/** Inputs of selection that are not tensors. */
type Counts = Readonly<{ seed?: number; origin?: Origin }>;

const modules = new Map<string, WebAssembly.Module>();

function moduleOf({ key, generate }: KernelModule): WebAssembly.Module {
  const known = modules.get(key) ?? new WebAssembly.Module(generate());
  modules.set(key, known);
  return known;
}

/** Runs a plan on one thread in a memory of its own, filled with NaN at first, tasks from the last to the first. */
export function runPlan(plan: Plan, inputs: Tensors, results: Tensors, counts: Counts = {}): void {
  let next = 64;
  const take = (bytes: number): number => {
    const at = next;
    next += Math.ceil(bytes / 64) * 64 + 64;
    return at;
  };
  const addresses: Record<string, number> = {};
  for (const [name, { data }] of Object.entries({ ...inputs, ...results }))
    addresses[name] = take(data.byteLength);
  const scratch = take(plan.sharedScratchBytes);
  const threadScratch = take(plan.threadScratchBytes);
  const frame = take(plan.frameBytes);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(next / 65536) + 1 });
  const bytes = new Uint8Array(memory.buffer).fill(0xff);
  for (const [name, { data }] of Object.entries(inputs)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), addresses[name]);
  }
  const all = { ...addresses, scratch, ...counts } as Addresses;
  plan.writeFrame(new DataView(memory.buffer), frame, all);
  const instance = new WebAssembly.Instance(moduleOf(plan.module), { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  for (const phase of plan.phases) {
    for (let item = phase.firstTask + phase.tasks - 1; item >= phase.firstTask; item--) {
      exports[phase.export]!(item, frame, threadScratch);
    }
  }
  for (const [name, { data }] of Object.entries(results)) {
    const at = addresses[name]!;
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(
      bytes.subarray(at, at + data.byteLength),
    );
  }
}

function forward(problem: AttentionProblem, plan: Plan, inputs: AttentionInputs<Tensor>): AttentionResults {
  const { batch, heads, queryLength, keyLength, valueDim, layout, outputs, dtype } = problem;
  const rows = [batch, heads, queryLength];
  const perRow = (): Tensor => zeros(computeDType(dtype), rows);
  const all = {
    output: zeros(dtype, layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim]),
    weights: zeros(dtype, outputs.includes('weights') ? [...rows, keyLength] : [0]),
    logSumExp: perRow(),
    choice: zeros('int32', rows),
    statistics: { rowMax: perRow(), rowSum: perRow() },
  };
  const { seed, origin, ...tensors } = inputs;
  const results = Object.fromEntries(outputs.map((name) => [name, all[name]]));
  const { statistics, ...plain } = results as { statistics?: Tensors };
  runPlan(plan, tensors as Tensors, { ...plain, ...statistics } as Tensors, {
    ...(seed !== undefined && { seed }),
    ...(origin && { origin }),
  });
  return results;
}

function gradient(
  plan: Plan,
  inputs: AttentionInputs<Tensor>,
  { output, statistics, dOutput }: GradientInputs<Tensor>,
): never {
  const like = (tensor: Tensor): Tensor => zeros(tensor.dtype as FloatDType, tensor.shape);
  const results = {
    dQuery: like(inputs.query),
    dKey: like(inputs.key),
    dValue: like(inputs.value),
    ...(inputs.bias && { dBias: like(inputs.bias) }),
    ...(inputs.sinks && { dSinks: like(inputs.sinks) }),
  };
  runPlan(plan, { ...inputs, output, dOutput, ...statistics } as Tensors, results);
  return results as never;
}

/** Plans as a backend, for tests: nothing but the kernels is under test. */
export function plainHost(options: PlanOptions): BackendProvider<void> {
  return {
    contract: CONTRACT_VERSION,
    name: 'plain-host',
    probe: async () => ({ available: true }),
    create: async () =>
      defineBackend({
        name: 'plain-host',
        device: 'wasm, one thread',
        capabilities: CAPABILITIES,
        compile(problem) {
          const plan = forwardPlan(problem, options);
          const back = problem.gradient ? gradientPlan(problem, options) : null;
          return {
            plan: { algorithm: plan.algorithm, tile: plan.tile, scratchBytes: plan.threadScratchBytes },
            run: (inputs) => forward(problem, plan, inputs),
            ...(back && { gradient: (inputs, results) => gradient(back, inputs, results) }),
          };
        },
      }),
  };
}
