import { describe, expect, test, vi } from 'vitest';
import { type AttentionBackend, attention, tensor } from './index.ts';
import { defineBackend, zeros } from './backend/index.ts';

/** A backend that records, by the problem's scale, what is compiled, told to dispose, and disposed. */
function noting(
  work: (scale: number) => Promise<void> = async () => undefined,
  end: () => Promise<void> = async () => undefined,
): {
  backend: AttentionBackend;
  compiled: number[];
  told: number[];
  disposed: number[];
} {
  const compiled: number[] = [];
  const told: number[] = [];
  const disposed: number[] = [];
  const inner = defineBackend({
    name: 'noting',
    device: 'none',
    capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
    compile({ scale }) {
      compiled.push(scale);
      if (scale < 0) throw new Error('negative');
      return {
        plan: { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 },
        async run() {
          await work(scale);
          return { output: zeros('float32', [1, 1, 1, 1]) };
        },
        dispose() {
          disposed.push(scale);
          return end();
        },
      };
    },
  });
  const compile: AttentionBackend['compile'] = async (problem) => {
    const kernel = await inner.compile(problem);
    const dispose = (): Promise<void> => {
      told.push(problem.scale);
      return kernel.dispose();
    };
    return { ...kernel, dispose };
  };
  return { backend: { ...inner, compile }, compiled, told, disposed };
}

const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
const call = (backend: AttentionBackend, scale: number): Promise<unknown> =>
  attention(backend, { query: x, key: x, value: x, scale });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** More kernels than a cache of this kind should keep. */
const MANY = Array.from({ length: 1000 }, (_, n) => n + 1);

describe('kernels', () => {
  test('are compiled once for equal problems, also when calls overlap', async () => {
    const { backend, compiled } = noting();
    await Promise.all([call(backend, 1), call(backend, 1), call(backend, 2)]);
    await call(backend, 1);
    expect(compiled).toEqual([1, 2]);
  });

  test('that are compiled begin within the call: a dispose() after it waits', async () => {
    const { backend } = noting(settled);
    await call(backend, 1);
    const second = call(backend, 1);
    await backend.dispose();
    await expect(second).resolves.toHaveProperty('output');
  });

  test('belong to their backend', async () => {
    const [one, other] = [noting(), noting()];
    await call(one.backend, 1);
    await call(other.backend, 1);
    expect([one.compiled, other.compiled]).toEqual([[1], [1]]);
  });

  test('that were not used for longest go first; the one in constant use stays', async () => {
    const { backend, compiled, disposed } = noting();
    for (const scale of MANY) {
      await call(backend, scale);
      await call(backend, 0.5);
    }
    await settled();
    expect(compiled.filter((scale) => scale === 0.5)).toHaveLength(1);
    expect(disposed).not.toContain(0.5);
    expect(disposed.length).toBeGreaterThan(900);
    expect(disposed).toEqual(MANY.slice(0, disposed.length));
  });

  test('that are at work are not disposed before they are done', async () => {
    let finish!: () => void;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { backend, compiled, told } = noting((scale) => (scale === 0.5 ? slow : Promise.resolve()));
    const underWay = call(backend, 0.5);
    for (const scale of MANY) await call(backend, scale);
    await settled();
    expect(told).not.toContain(0.5);
    finish();
    await underWay;
    await settled();
    expect(told).toContain(0.5);
    await call(backend, 0.5);
    expect(compiled.filter((scale) => scale === 0.5)).toHaveLength(2);
  });

  test('whose compilation failed are not kept: the next call tries again', async () => {
    const { backend, compiled } = noting();
    await expect(call(backend, -1)).rejects.toThrow('negative');
    await expect(call(backend, -1)).rejects.toThrow('negative');
    expect(compiled).toEqual([-1, -1]);
  });

  test('whose compilation fails late leave alone those that were compiled since', async () => {
    let fail!: (error: Error) => void;
    const failing = new Promise<never>((_, reject) => (fail = reject));
    const { backend, compiled } = noting();
    vi.spyOn(backend, 'compile').mockReturnValueOnce(failing);
    const first = call(backend, 1);
    for (const scale of MANY.slice(1)) await call(backend, scale);
    await call(backend, 1);
    fail(new Error('late'));
    await expect(first).rejects.toThrow('late');
    await call(backend, 1);
    expect(compiled.filter((scale) => scale === 1)).toHaveLength(1);
  });

  test('that fail to end when others take their place fail nothing else', async () => {
    const { backend } = noting(undefined, () => Promise.reject(new Error('stuck')));
    for (const scale of MANY) await call(backend, scale);
    await settled();
  });

  test('whose run failed are kept', async () => {
    let failing = true;
    const { backend, compiled, disposed } = noting(() =>
      failing ? Promise.reject(new Error('out of luck')) : Promise.resolve(),
    );
    await expect(call(backend, 1)).rejects.toThrow('out of luck');
    failing = false;
    await call(backend, 1);
    expect(compiled).toEqual([1]);
    expect(disposed).toEqual([]);
  });

  test('go with their backend, once each', async () => {
    const { backend, disposed } = noting();
    await call(backend, 1);
    await call(backend, 2);
    await backend.dispose();
    expect(disposed.sort()).toEqual([1, 2]);
    await expect(call(backend, 1)).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(call(backend, 3)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});
