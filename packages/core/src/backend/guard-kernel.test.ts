import { expect, test, vi } from 'vitest';
import { type AttentionBackend, type Tensor, attention, tensor } from '../index.ts';
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
