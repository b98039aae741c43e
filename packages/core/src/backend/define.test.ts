import { describe, expect, test, vi } from 'vitest';
import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionProblem,
  type Tensor,
  attention,
  resolveRequest,
  tensor,
} from '../index.ts';
import { type BackendDefinition, defineBackend, zeros } from './index.ts';

const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
const { problem, inputs } = resolveRequest({ query: x, key: x, value: x });
const causal: AttentionProblem = resolveRequest({ query: x, key: x, value: x, causal: true }).problem;
const differentiable: AttentionProblem = resolveRequest({
  query: x,
  key: x,
  value: x,
  gradient: true,
}).problem;

const plan = { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 };
const output = (): Tensor => zeros('float32', [1, 1, 1, 1]);

function backendWith(changes: Partial<BackendDefinition> = {}): AttentionBackend {
  return defineBackend({
    name: 'trial',
    device: 'none',
    capabilities: { dtypes: ['float32'], features: ['gradient', 'statistics'], guarantees: [] },
    compile: () => ({ plan, run: () => ({ output: output() }) }),
    ...changes,
  });
}

/** A promise, and the function that settles it. */
function gate(): { opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('a life', () => {
  test('dispose() waits for the runs under way, and refuses later ones at once', async () => {
    const { opened, open } = gate();
    const events: string[] = [];
    const backend = backendWith({
      compile: () => ({
        plan,
        async run() {
          await opened;
          events.push('run done');
          return { output: output() };
        },
        dispose: () => void events.push('kernel gone'),
      }),
      dispose: () => void events.push('backend gone'),
    });
    const kernel = await backend.compile(problem);
    const underWay = kernel.run(inputs);
    const disposed = backend.dispose();
    await expect(kernel.run(inputs)).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(backend.compile(problem)).rejects.toMatchObject({ code: 'DISPOSED' });
    await settled();
    expect(events).toEqual([]);
    open();
    await disposed;
    expect(events).toEqual(['run done', 'kernel gone', 'backend gone']);
    expect(await underWay).toHaveProperty('output');
  });

  test('everything is refused afterwards, and a second dispose() is safe', async () => {
    const dispose = vi.fn<() => void>();
    const backend = backendWith({ dispose });
    const kernel = await backend.compile(problem);
    await backend.dispose();
    await backend.dispose();
    await kernel.dispose();
    await backend[Symbol.asyncDispose]();
    expect(dispose).toHaveBeenCalledOnce();
    const gone = { code: 'DISPOSED' };
    await expect(kernel.run(inputs)).rejects.toMatchObject(gone);
    await expect(kernel.gradient(inputs, {} as never)).rejects.toMatchObject(gone);
    await expect(backend.compile(problem)).rejects.toMatchObject(gone);
    await expect(backend.upload(x)).rejects.toMatchObject(gone);
  });

  test('a kernel ends alone', async () => {
    const dispose = vi.fn<() => void>();
    const backend = backendWith({ compile: () => ({ plan, run: () => ({ output: output() }), dispose }) });
    const [one, other] = [await backend.compile(problem), await backend.compile(problem)];
    await one.dispose();
    await expect(one.run(inputs)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(await other.run(inputs)).toHaveProperty('output');
    await backend.dispose();
    expect(dispose).toHaveBeenCalledTimes(2);
  });

  test('a run that fails does not hold up the end', async () => {
    const { opened, open } = gate();
    const run = (): Promise<never> => opened.then(() => Promise.reject(new Error('no luck')));
    const backend = backendWith({ compile: () => ({ plan, run }) });
    const underWay = (await backend.compile(problem)).run(inputs);
    const disposed = backend.dispose();
    open();
    await expect(underWay).rejects.toThrow('no luck');
    await disposed;
  });

  test('what fails to end does not keep the rest from its end, and its error is told', async () => {
    const ended: string[] = [];
    const backend = backendWith({
      memory: {
        upload: (native) => native,
        download: (native) => native,
        write: (native) => native,
        free() {
          ended.push('tensor');
          throw new Error('held fast');
        },
      },
      compile: () => ({
        plan,
        run: () => ({ output: output() }),
        dispose() {
          ended.push('kernel');
          throw new Error('stuck');
        },
      }),
      dispose: () => void ended.push('engine'),
    });
    await backend.compile(problem);
    await backend.compile(problem);
    await backend.upload(x);
    const ending = backend.dispose();
    await expect(ending).rejects.toThrow('stuck');
    expect(ended.sort()).toEqual(['engine', 'kernel', 'kernel', 'tensor']);
    await expect(backend.dispose()).rejects.toThrow('stuck');
  });

  test('a kernel compiled while the backend ends goes with it', async () => {
    const { opened, open } = gate();
    const dispose = vi.fn<() => void>();
    const backend = backendWith({
      compile: () => opened.then(() => ({ plan, run: () => ({ output: output() }), dispose })),
    });
    const compiling = backend.compile(problem);
    const disposed = backend.dispose();
    open();
    const kernel = await compiling;
    await disposed;
    expect(dispose).toHaveBeenCalledOnce();
    await expect(kernel.run(inputs)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

describe('what is refused', () => {
  test('compile() refuses what supports() refuses, with its words', async () => {
    const backend = backendWith();
    const support = backend.supports(causal);
    if (support.supported) throw new Error('causal was not declared');
    await expect(backend.compile(causal)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      clause: support.clause,
      message: expect.stringContaining(support.reason),
    });
  });

  test('limits are asked after the capabilities', async () => {
    const limits = vi.fn<NonNullable<BackendDefinition['limits']>>(() => ({
      supported: false,
      clause: 'shape',
      reason: 'too long for me',
    }));
    const backend = backendWith({ limits });
    expect(backend.supports(causal)).toMatchObject({ clause: 'causal' });
    expect(limits).not.toHaveBeenCalled();
    await expect(backend.compile(problem)).rejects.toMatchObject({ code: 'UNSUPPORTED', clause: 'shape' });
  });

  test('a dtype that was not declared', () => {
    const double = { ...problem, dtype: 'float64', cacheType: 'float64' } as const;
    expect(backendWith().supports(double)).toMatchObject({ supported: false, clause: 'dtype' });
  });

  test.each([
    undefined,
    null,
    'float32',
    {},
    { ...problem, dtype: 'float64' },
    { ...problem, lenghts: null },
  ])('supports() of %j, which is not a problem', (given) => {
    const supports = () => backendWith().supports(given as never);
    expect(supports).toThrow(expect.objectContaining({ remedy: expect.any(String) as string }) as Error);
  });

  test('a declared gradient that is not there', async () => {
    await expect(backendWith().compile(differentiable)).rejects.toMatchObject({
      code: 'ENGINE',
      clause: 'gradient',
    });
  });

  test('the gradient of a kernel compiled without', async () => {
    const kernel = await backendWith().compile(problem);
    await expect(kernel.gradient(inputs, {} as never)).rejects.toMatchObject({ code: 'NOT_DIFFERENTIABLE' });
  });

  test('bad inputs, before the author sees them', async () => {
    const run = vi.fn<() => { output: Tensor }>(() => ({ output: output() }));
    const kernel = await backendWith({ compile: () => ({ plan, run }) }).compile(problem);
    const { query: _, ...without } = inputs;
    await expect(kernel.run(without as AttentionInputs)).rejects.toMatchObject({ code: 'MISSING_INPUT' });
    await expect(kernel.run({ ...inputs, sinks: x })).rejects.toMatchObject({ code: 'UNEXPECTED_INPUT' });
    expect(run).not.toHaveBeenCalled();
  });

  test('an aborted signal, with its reason', async () => {
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(attention(backendWith(), { query: x, key: x, value: x }, { signal })).rejects.toThrow(
      'changed my mind',
    );
  });

  test("another backend's resident tensor", async () => {
    const [one, other] = [backendWith(), backendWith()];
    const resident = await other.upload(x);
    await expect(attention(one, { query: resident, key: x, value: x })).rejects.toMatchObject({
      code: 'FOREIGN_TENSOR',
    });
  });

  test('arrays that cannot be allocated are OUT_OF_MEMORY; other errors stay as they are', async () => {
    const cause = new RangeError('Array buffer allocation failed');
    const other = new RangeError('Maximum call stack size exceeded');
    const run = vi.fn<() => Promise<never>>().mockRejectedValueOnce(cause).mockRejectedValueOnce(other);
    const kernel = await backendWith({ compile: () => ({ plan, run }) }).compile(problem);
    await expect(kernel.run(inputs)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', cause });
    await expect(kernel.run(inputs)).rejects.toBe(other);
  });
});

test('capabilities and plans are frozen copies', async () => {
  const capabilities = { dtypes: ['float32' as const], features: ['gradient' as const], guarantees: [] };
  const backend = backendWith({ capabilities });
  expect(backend.capabilities).toEqual({
    ...capabilities,
    partGradients: false,
    operations: [],
    weightTypes: [],
  });
  expect(Object.isFrozen(backend.capabilities)).toBe(true);
  expect(Object.isFrozen(backend.capabilities.features)).toBe(true);
  expect(Object.isFrozen(capabilities.features)).toBe(false);
  expect(Object.isFrozen((await backend.compile(problem)).plan)).toBe(true);
});

test('16-bit floats that are not declared are refused before the engine sees them', async () => {
  const half = { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3f80) } as const;
  const backend = backendWith({
    capabilities: { dtypes: ['float32', 'float16'], features: [], guarantees: [] },
  });
  await expect(backend.upload(half)).rejects.toMatchObject({ code: 'DTYPE', clause: 'dtype' });
  await expect(backend.allocate('bfloat16', [1])).rejects.toMatchObject({ code: 'DTYPE', clause: 'dtype' });
  const resident = await backend.upload({ ...half, dtype: 'float16' });
  expect(await resident.read()).toEqual({ ...half, dtype: 'float16' });
});

test('a plan tells figures of the last run, where the backend measures them', async () => {
  let runs = 0;
  const backend = backendWith({
    compile: () => ({
      plan: {
        ...plan,
        get lastRun() {
          return runs === 0 ? null : { runs };
        },
      },
      run: () => {
        runs++;
        return { output: output() };
      },
    }),
  });
  const kernel = await backend.compile(problem);
  expect(kernel.plan.lastRun).toBeNull();
  await kernel.run(inputs);
  expect(kernel.plan.lastRun).toEqual({ runs: 1 });
});
