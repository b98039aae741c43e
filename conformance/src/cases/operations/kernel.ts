import type {
  AttentionBackend,
  FloatDType,
  HeedErrorCode,
  OperationKernel,
  ResidentTensor,
  Tensor,
} from '@heed/core';
import type { OperationOffer } from '@heed/core/backend';
import type { BehaviorCase, Subject } from '../../case.ts';
import { behavior, ensure, ensureError, withBackend } from '../building/behavior.ts';
import { ensureSameBits } from '../building/run-all.ts';

/** Tensors by their names. */
export type Named = Readonly<Record<string, Tensor>>;

/** A kernel of an operation besides `linear`. */
export type AnyKernel = OperationKernel<object, object, object, object>;

/** An operation besides `linear`, and all that its kernel takes. */
export interface OperationSetting {
  readonly operation: OperationOffer['name'];
  readonly problem: { readonly dtype: FloatDType; readonly gradient: boolean };
  readonly inputs: Readonly<Record<string, Tensor | number>>;
  /** Names of the inputs that the gradient takes. */
  readonly saved: readonly string[];
  /** Names of inputs that are never resident. */
  readonly plain: readonly string[];
  /** Inputs of the gradient besides. */
  readonly forward: Named;
}

export interface OperationSubject<S extends OperationSetting> extends Subject {
  readonly setting: S;
}

/** A case of an operation's clause, for backends that offer it. */
export function operationCase<S extends OperationSetting>(
  [operation, dtype]: readonly [OperationSetting['operation'], FloatDType | undefined],
  name: string,
  settingOf: (seed: string) => S,
  run: (subject: OperationSubject<S>) => Promise<void>,
): BehaviorCase {
  return {
    ...behavior(operation, name, [], (subject, id) => run({ ...subject, setting: settingOf(id) })),
    operations: [operation],
    ...(dtype !== undefined && { dtype }),
  };
}

/** Compiles, works, and disposes. */
export async function withOperation<T>(
  backend: AttentionBackend,
  { operation, problem }: Pick<OperationSetting, 'operation' | 'problem'>,
  work: (kernel: AnyKernel) => Promise<T>,
): Promise<T> {
  const kernel = (await backend[operation]!.compile(problem as never)) as unknown as AnyKernel;
  try {
    return await work(kernel);
  } finally {
    await kernel.dispose();
  }
}

/** The inputs of a run that its gradient takes. */
export function savedOf({ inputs, saved }: OperationSetting): OperationSetting['inputs'] {
  return Object.fromEntries(saved.map((name) => [name, inputs[name]!]));
}

/** The output, and the gradients if the problem has them. */
export async function everything(kernel: AnyKernel, setting: OperationSetting): Promise<Named> {
  const results = { ...(await kernel.run(setting.inputs)) };
  if (!setting.problem.gradient) return results;
  return { ...results, ...(await kernel.gradient(savedOf(setting), setting.forward)) };
}

/** Checks that resident inputs and results have the bits of plain ones. */
export async function checkResident({ backend, setting }: OperationSubject<OperationSetting>): Promise<void> {
  await withOperation(backend, setting, async (kernel) => {
    const plain = await everything(kernel, setting);
    const made: ResidentTensor[] = [];
    const there: Record<string, Tensor | ResidentTensor | number> = {};
    for (const [name, tensor] of Object.entries({ ...setting.inputs, ...setting.forward })) {
      there[name] = tensor;
      if (typeof tensor === 'number' || setting.plain.includes(name)) continue;
      const resident = await backend.upload(tensor as Tensor<'float32'>);
      made.push(resident);
      there[name] = resident;
    }
    const named = (names: readonly string[]): object =>
      Object.fromEntries(names.map((name) => [name, there[name]]));
    const inputs = named(Object.keys(setting.inputs));
    const results = {
      ...(await kernel.run(inputs, { resident: true })),
      ...(await kernel.gradient(named(setting.saved), named(Object.keys(setting.forward)), {
        resident: true,
      })),
    };
    const read: Record<string, Tensor> = {};
    for (const [name, resident] of Object.entries(results) as [string, ResidentTensor][]) {
      read[name] = await resident.read();
      made.push(resident);
    }
    ensureSameBits(read, plain, 'resident inputs and results');
    for (const resident of made) resident.dispose();
  });
}

/** Checks that runs after each other, at once, and on another backend give the same bits. */
export async function checkRepeat(subject: OperationSubject<OperationSetting>): Promise<void> {
  const { backend, setting } = subject;
  const first = await withOperation(backend, setting, async (kernel) => {
    const one = await everything(kernel, setting);
    const more = Array.from({ length: 4 }, () => everything(kernel, setting));
    for (const again of await Promise.all(more)) ensureSameBits(again, one, 'runs that overlap');
    return one;
  });
  await withBackend(subject, async (other) => {
    const again = await withOperation(other, setting, (kernel) => everything(kernel, setting));
    ensureSameBits(again, first, 'a second backend');
  });
}

/** Checks that a run leaves its inputs as they were. */
export async function checkInputs({ backend, setting }: OperationSubject<OperationSetting>): Promise<void> {
  const tensors = Object.fromEntries(
    Object.entries({ ...setting.inputs, ...setting.forward }).filter(
      ([, value]) => typeof value !== 'number',
    ),
  ) as Named;
  const before = structuredClone(tensors);
  await withOperation(backend, setting, (kernel) => everything(kernel, setting));
  ensureSameBits(tensors, before, 'the inputs after a run');
}

/** A call that must fail: what it is given, the code of the error, and words for it. */
export type Mistake = readonly [given: object, code: HeedErrorCode, what: string];

/** Mistakes of an operation's own, beside those that all can make. */
export interface Mistakes {
  /** Names of the problem, changed. */
  readonly problem: readonly Mistake[];
  /** Inputs of a run, changed. */
  readonly inputs: readonly Mistake[];
  /** Those of them that the gradient takes, changed. */
  readonly saved: readonly Mistake[];
  /** Inputs of the gradient besides, changed. */
  readonly forward: readonly Mistake[];
}

/** Checks that mistakes are refused, and that the kernel is as good as before. The setting's problem has no gradient. */
export async function checkMistakes(
  { backend, setting }: OperationSubject<OperationSetting>,
  mistakes: Mistakes,
  faultOf: (output: Tensor) => string | null,
): Promise<void> {
  const { operation, problem, inputs, forward } = setting;
  const saved = savedOf(setting);
  for (const [changed, code, what] of mistakes.problem)
    await ensureError(() => backend[operation]!.compile({ ...problem, ...changed } as never), code, what);
  await withOperation(backend, setting, async (kernel) => {
    for (const [changed, code, what] of mistakes.inputs)
      await ensureError(() => kernel.run({ ...inputs, ...changed }), code, what);
    await ensureError(() => kernel.run(inputs, { resident: 1 } as never), 'ARGUMENT', 'resident: 1');
    const asked = () => kernel.gradient(saved, forward);
    await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
    const fault = faultOf((await kernel.run(inputs)).output);
    ensure(fault === null, `after mistakes: ${fault}`);
  });
  const differentiable = { operation, problem: { ...problem, gradient: true } };
  await withOperation(backend, differentiable, async (kernel) => {
    await ensureError(() => kernel.gradient(saved, {}), 'MISSING_INPUT', 'no dOutput');
    for (const [changed, code, what] of mistakes.saved)
      await ensureError(() => kernel.gradient({ ...saved, ...changed }, forward), code, what);
    for (const [changed, code, what] of mistakes.forward)
      await ensureError(() => kernel.gradient(saved, { ...forward, ...changed }), code, what);
  });
}

/** Checks that what was disposed is refused, and that a run under way ends. */
export async function checkDispose(
  subject: OperationSubject<OperationSetting>,
  faultOf: (output: Tensor) => string | null,
): Promise<void> {
  const { operation, problem, inputs } = subject.setting;
  await withBackend(subject, async (backend) => {
    const compile = async (): Promise<AnyKernel> =>
      (await backend[operation]!.compile(problem as never)) as unknown as AnyKernel;
    const kernel = await compile();
    const last = kernel.run(inputs);
    await kernel.dispose();
    const fault = faultOf((await last).output);
    ensure(fault === null, `a run whose kernel was disposed: ${fault}`);
    await ensureError(() => kernel.run(inputs), 'DISPOSED', 'a kernel after dispose()');
    const another = await compile();
    await backend.dispose();
    await ensureError(() => another.run(inputs), 'DISPOSED', 'a kernel of a disposed backend');
    await ensureError(compile, 'DISPOSED', 'a disposed backend');
  });
}
