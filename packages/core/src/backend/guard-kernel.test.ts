import { describe, expect, test, vi } from 'vitest';
import { type AttentionBackend, type Tensor, attention, resolveRequest, tensor } from '../index.ts';
import { type DeviceMemory, defineBackend, zeros } from './index.ts';

const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
// A tensor in two places is uploaded once.
const request = { query: x, key: { ...x }, value: { ...x }, statistics: true } as const;

/** An engine whose natives are tensors that it counts, and whose kernels make three results. */
class Engine {
  readonly live = new Set<Tensor>();
  readonly upload = vi.fn<DeviceMemory<Tensor>['upload']>((plain) => this.made(structuredClone(plain)));
  readonly download = vi.fn<DeviceMemory<Tensor>['download']>(async (native) => structuredClone(native));
  readonly run = vi.fn<() => Record<string, unknown>>(() => ({
    output: this.made(zeros('float32', [1, 1, 1, 1])),
    statistics: {
      rowMax: this.made(zeros('float32', [1, 1, 1])),
      rowSum: this.made(zeros('float32', [1, 1, 1])),
    },
  }));

  readonly backend: AttentionBackend = defineBackend<Tensor>({
    name: 'engine',
    device: 'engine',
    capabilities: { dtypes: ['float32'], features: ['statistics', 'lengths.key'], guarantees: [] },
    memory: {
      upload: this.upload,
      download: this.download,
      write: (native) => native,
      free: (native) => void this.live.delete(native),
      wrap: (value) => (this.live.has(value as Tensor) ? (value as Tensor) : null),
    },
    compile: () => ({
      plan: { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 },
      run: this.run,
    }),
  });

  made(native: Tensor): Tensor {
    this.live.add(native);
    return native;
  }
}

test('a run leaves nothing in the engine', async () => {
  const engine = new Engine();
  const { statistics } = await attention(engine.backend, request);
  expect(statistics.rowMax).toEqual(zeros('float32', [1, 1, 1]));
  expect(engine.upload).toHaveBeenCalledTimes(3);
  expect(engine.live.size).toBe(0);
});

test('resident results stay until they are disposed; resident inputs are not moved', async () => {
  const engine = new Engine();
  const { output, statistics } = await attention(engine.backend, request, { resident: true });
  expect(engine.download).not.toHaveBeenCalled();
  expect(engine.live.size).toBe(3);
  await attention(engine.backend, { ...request, query: output, key: output, value: output });
  expect(engine.upload).toHaveBeenCalledTimes(3);
  for (const resident of [output, statistics.rowMax, statistics.rowSum]) resident.dispose();
  expect(engine.live.size).toBe(0);
});

test('lengths stay on the host', async () => {
  const engine = new Engine();
  await attention(engine.backend, { ...request, keyLengths: [1] });
  expect(engine.upload).toHaveBeenCalledTimes(3);
});

test('an upload that fails leaves nothing in the engine', async () => {
  const engine = new Engine();
  engine.upload
    .mockImplementationOnce((plain) => engine.made(structuredClone(plain)))
    .mockRejectedValueOnce(new Error('full'));
  await expect(attention(engine.backend, request)).rejects.toThrow('full');
  expect(engine.run).not.toHaveBeenCalled();
  expect(engine.live.size).toBe(0);
});

test('a run that fails leaves nothing in the engine', async () => {
  const engine = new Engine();
  engine.run.mockImplementationOnce(() => {
    throw new Error('stuck');
  });
  await expect(attention(engine.backend, request)).rejects.toThrow('stuck');
  expect(engine.live.size).toBe(0);
});

test('a download that fails leaves nothing in the engine', async () => {
  const engine = new Engine();
  engine.download.mockRejectedValueOnce(new Error('lost'));
  await expect(attention(engine.backend, request)).rejects.toThrow('lost');
  expect(engine.live.size).toBe(0);
});

describe('inputs that are transferred during a run', () => {
  const fresh = () => tensor(new Float32Array([1]), [1, 1, 1, 1]);
  const transfer = ({ data }: Tensor): void =>
    void structuredClone(null, { transfer: [data.buffer as ArrayBuffer] });
  const message = expect.stringMatching(
    'query was transferred during the call; expected it to stay until the end; await',
  );

  /** A backend without memory of its own, which computes after a turn. */
  const lateBackend = (output: (query: Tensor) => Tensor, during: () => void): AttentionBackend =>
    defineBackend({
      name: 'late',
      device: 'none',
      capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
      compile: () => ({
        plan: { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 },
        run: async ({ query }) => {
          await Promise.resolve();
          during();
          return { output: output(query) };
        },
      }),
    });

  test('a kernel that found no numbers, and did not notice, gives no results', async () => {
    const query = fresh();
    const zero = (): Tensor => zeros('float32', [1, 1, 1, 1]);
    const run = attention(
      lateBackend(zero, () => transfer(query)),
      { query, key: x, value: x },
    );
    await expect(run).rejects.toMatchObject({ code: 'SHAPE', clause: 'inputs', message });
  });

  test('an error of the kernel is the cause', async () => {
    const query = fresh();
    const subarray = ({ data }: Tensor): Tensor => tensor((data as Float32Array).subarray(0), [1, 1, 1, 1]);
    const run = attention(
      lateBackend(subarray, () => transfer(query)),
      { query, key: x, value: x },
    );
    await expect(run).rejects.toMatchObject({ code: 'SHAPE', cause: expect.any(TypeError) });
  });

  test('an abort keeps its reason', async () => {
    const query = fresh();
    const controller = new AbortController();
    const stop = (): Tensor => {
      transfer(query);
      controller.abort('enough');
      throw controller.signal.reason;
    };
    const { signal } = controller;
    const run = attention(
      lateBackend(stop, () => undefined),
      { query, key: x, value: x },
      { signal },
    );
    await expect(run).rejects.toBe('enough');
  });

  test('an engine that has uploaded them gives its results, and none of lengths that it reads late', async () => {
    const engine = new Engine();
    const query = fresh();
    const make = engine.run.getMockImplementation()!;
    engine.run.mockImplementationOnce(() => (transfer(query), make()));
    await expect(attention(engine.backend, { ...request, query })).resolves.toBeDefined();
    const keyLengths = tensor(Int32Array.of(1), [1]);
    engine.run.mockImplementationOnce(() => (transfer(keyLengths), make()));
    await expect(attention(engine.backend, { ...request, keyLengths })).rejects.toMatchObject({
      code: 'SHAPE',
    });
    expect(engine.live.size).toBe(0);
  });
});

test('the engine takes its own tensors without a copy, gives them back, and refuses anything else', () => {
  const engine = new Engine();
  const mine = engine.made(zeros('float32', [1, 1, 1, 1]));
  const resident = engine.backend.wrap!(mine);
  expect(engine.backend.unwrap!(resident)).toBe(mine);
  expect(() => engine.backend.wrap!(x)).toThrow(/cannot wrap/);
  expect(() => new Engine().backend.unwrap!(resident)).toThrow(/another backend/);
  resident.dispose();
  expect(engine.live.size).toBe(0);
  expect(() => engine.backend.unwrap!(resident)).toThrow(/after dispose/);
});

test('a write to a view that fails leaves nothing in the engine', async () => {
  const live = new Set<Tensor>();
  const made = (native: Tensor): Tensor => {
    live.add(native);
    return native;
  };
  const backend = defineBackend<Tensor>({
    name: 'engine',
    device: 'engine',
    capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
    memory: {
      upload: (plain) => made(structuredClone(plain)),
      download: (native) => structuredClone(native),
      write: () => Promise.reject(new Error('full')),
      reshape: (native, shape) => made({ ...native, shape }),
      free: (native) => void live.delete(native),
    },
    compile: () => Promise.reject(new Error('not used')),
  });
  const resident = await backend.upload(x);
  const view = resident.view([1]);
  const part = tensor(new Float32Array([2]), [1]);
  await expect(view.write(part, { axis: 0, start: 0 })).rejects.toThrow('full');
  view.dispose();
  resident.dispose();
  expect(live.size).toBe(0);
});

test('a gradient whose kernel for statistics did not compile can be tried again, and its kernel ends', async () => {
  const results = (): { output: Tensor; statistics: { rowMax: Tensor; rowSum: Tensor } } => ({
    output: zeros('float32', [1, 1, 1, 1]),
    statistics: { rowMax: zeros('float32', [1, 1, 1]), rowSum: zeros('float32', [1, 1, 1]) },
  });
  let isFull = false;
  const backend = defineBackend({
    name: 'engine',
    device: 'engine',
    capabilities: { dtypes: ['float32'], features: ['gradient', 'statistics'], guarantees: [] },
    compile() {
      if (isFull) throw new Error('full');
      return {
        plan: { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 },
        run: results,
        gradient: () => ({ dQuery: x, dKey: x, dValue: x }),
      };
    },
  });
  const { problem, inputs } = resolveRequest({ query: x, key: x, value: x, gradient: true });
  const kernel = await backend.compile(problem);
  const foreign = { ...results(), dOutput: x };
  isFull = true;
  await expect(kernel.gradient(inputs, foreign)).rejects.toThrow('full');
  isFull = false;
  expect(await kernel.gradient(inputs, foreign)).toHaveProperty('dQuery');
  await backend.dispose();
});
