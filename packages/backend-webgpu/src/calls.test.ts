import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Tensor, attention, cast, quantize, resolveRequest, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { createBackend } from './backend.ts';
import webgpu from './index.ts';
import type { GpuBufferTensor } from './memory/wrap.ts';
import { openEngine } from './platform/engine.ts';
import { expectBounded } from './test/bounded.ts';
import { ownDevice } from './test/device.ts';
import { watchBuffers } from './test/live-buffers.ts';
import { selfAttention, waves } from './test/requests.ts';
import { isRequired, useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();
const availability = await webgpu.probe();
const isAbsent = !availability.available && !isRequired('webgpu');

test.for([{ subgroups: true as never }, { powerPreference: 'fast' as never }, { device: {} as never }])(
  'options %o are refused',
  async (options) => {
    await expect(webgpu.create(options)).rejects.toMatchObject({ code: 'ARGUMENT' });
  },
);

test('without an adapter, the reason of probe() leaves the name to whoever reports it', async () => {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => null } });
  const reason = 'cannot find a GPU adapter';
  expect(await webgpu.probe()).toMatchObject({ available: false, reason });
  await expect(webgpu.create()).rejects.toMatchObject({ reason: `webgpu: ${reason}` });
  vi.unstubAllGlobals();
});

describe.skipIf(isAbsent)('on an adapter', () => {
  test('the device names adapter, software and subgroups', async () => {
    await using backend = await webgpu.create();
    expect(backend.device).toMatch(/^WebGPU, /);
    await using without = await webgpu.create({ subgroups: false });
    expect(without.device).not.toContain('subgroups');
  });

  describe('buffers and pipelines', () => {
    test('are bounded over calls of changing lengths, and gone after dispose()', () => expectBounded(60));

    test('of gradients, aborts and resident tensors are given back', async () => {
      const device = await ownDevice();
      const live = watchBuffers(device);
      const backend = await webgpu.create({ device });
      const request = { ...selfAttention(20), bias: waves([20, 20], 5), sinks: waves([2], 6) };
      const { gradient } = await attention(backend, { ...request, gradient: true });
      await gradient(waves([1, 2, 20, 8], 4));
      await expect(attention(backend, request, { signal: AbortSignal.abort('enough') })).rejects.toBe(
        'enough',
      );
      expect(live.count).toBe(0);
      await backend.upload(waves([3, 5], 1));
      expect(live.count).toBe(1);
      await backend.dispose();
      expect(live.count).toBe(0);
      // It belongs to the caller and still works.
      device.createBuffer({ size: 16, usage: 0x80 }).destroy();
    });

    test('never hold a cache in wider numbers', async () => {
      const device = await ownDevice();
      await using backend = await webgpu.create({ device });
      const rows = waves([1, 2, 2048, 64], 2);
      const { numbers, scales } = quantize(rows, 'int8');
      const cache = { key: numbers, keyScales: scales, value: numbers, valueScales: scales };
      for (const given of [{ key: cast(rows, 'float16'), value: cast(rows, 'float16') }, cache]) {
        const uploaded = await Promise.all(
          Object.entries(given).map(async ([name, one]) => [name, await backend.upload(one)] as const),
        );
        const live = watchBuffers(device);
        const request = { query: waves([1, 2, 1, 64], 1), ...Object.fromEntries(uploaded) };
        await attention(backend, request as never);
        // Splits of the keys leave a record each.
        expect(live.peak).toBeLessThan(rows.data.byteLength / 16);
        for (const [, resident] of uploaded) resident.dispose();
      }
    });

    test('of 16 bits are gathered where a row ends inside a word', async () => {
      await using backend = await webgpu.create();
      const rows = cast(waves([3, 1, 1, 3], 1), 'float16');
      const resident = await backend.upload(rows);
      const gathered = await resident.gather([2, 0]);
      const { data } = await gathered.read();
      expect([...data]).toEqual([...rows.data.subarray(6, 9), ...rows.data.subarray(0, 3)]);
      gathered.dispose();
      resident.dispose();
    });

    test('of resident tensors that are dropped are destroyed when they are collected', async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const device = await ownDevice();
      const live = watchBuffers(device);
      await using backend = await webgpu.create({ device });
      const drop = async (): Promise<void> => {
        for (let n = 0; n < 20; n++) await backend.upload(waves([3, 5], n));
        await attention(backend, selfAttention(20), { resident: true });
      };
      await drop();
      expect(live.count).toBeGreaterThan(0);
      for (let n = 0; n < 100 && live.count > 0; n++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        collect();
      }
      expect(live.count).toBe(0);
    });

    test('hold nothing of size N²', async () => {
      const device = await ownDevice();
      const live = watchBuffers(device);
      await using backend = await webgpu.create({ device });
      const peaks = [];
      for (const length of [256, 512]) {
        live.peak = 0;
        await attention(backend, selfAttention(length, 1, 4));
        peaks.push(live.peak);
      }
      expect(peaks[1]! / peaks[0]!).toBeLessThan(2.1);
    });
  });

  describe('decoding', () => {
    test('uploads one row a step, and one pipeline serves all lengths', async () => {
      const device = await ownDevice();
      const engine = await openEngine({ device });
      await using backend = createBackend(engine);
      const [key, value] = await Promise.all(
        [1, 2].map((seed) => backend.upload(waves([1, 2, 600, 8], seed))),
      );
      let bytes = 0;
      const write = device.queue.writeBuffer.bind(device.queue);
      device.queue.writeBuffer = ((...given: Parameters<typeof write>) => {
        bytes += given[4] ?? (given[2] as ArrayBuffer).byteLength;
        write(...given);
      }) as typeof write;
      let pipelines = 0;
      for (const length of [1, 255, 256, 257, 600]) {
        bytes = 0;
        await key!.write(waves([1, 2, 1, 8], length), { axis: 2, start: length - 1 });
        await value!.write(waves([1, 2, 1, 8], -length), { axis: 2, start: length - 1 });
        const query = waves([1, 2, 1, 8], length);
        const request = { query, keyLengths: [length], causal: true, alignment: 'bottomRight' } as const;
        const { output } = await attention(backend, { ...request, key: key!, value: value! });
        expect(bytes).toBeLessThan(4096);
        pipelines ||= engine.pipelines.size;
        expect(engine.pipelines.size).toBe(pipelines);
        await using judge = await reference.create();
        const plain = { key: await key!.read(), value: await value!.read() };
        const expected = await attention(judge, { ...request, ...plain });
        output.data.forEach((number, n) => expect(number).toBeCloseTo(expected.output.data[n]!, 5));
      }
    });
  });

  describe("buffers of the caller's own device", () => {
    let device: GPUDevice;
    beforeAll(async () => {
      device = await ownDevice();
    });
    const USAGE = 0x80 | 0x04 | 0x08;

    test('are computed with, and results handed back, without a copy', async () => {
      const request = selfAttention(5);
      const backend = await webgpu.create({ device });
      const buffers = ['query', 'key', 'value'].map((name) => {
        const { data, shape } = request[name as 'query'] as Tensor<'float32'>;
        const buffer = device.createBuffer({ size: 256 + data.byteLength, usage: USAGE });
        device.queue.writeBuffer(buffer, 256, data as Float32Array<ArrayBuffer>);
        return { name, buffer, resident: backend.wrap!({ buffer, dtype: 'float32', shape, offset: 256 }) };
      });
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const wrapped = Object.fromEntries(buffers.map(({ name, resident }) => [name, resident]));
      const { output } = await kernel.run({ ...inputs, ...wrapped } as typeof inputs, { resident: true });
      const { buffer, dtype, shape } = backend.unwrap!(output!) as GpuBufferTensor;
      expect([typeof buffer.mapAsync, dtype, shape]).toEqual(['function', 'float32', [1, 2, 5, 8]]);
      expect((await output!.read()).data).toEqual((await kernel.run(inputs)).output!.data);
      await backend.dispose();
      // Buffers that are not owned outlive it.
      for (const { buffer: own } of buffers) {
        const encoder = device.createCommandEncoder();
        encoder.clearBuffer(own);
        device.pushErrorScope('validation');
        device.queue.submit([encoder.finish()]);
        expect(await device.popErrorScope()).toBeNull();
      }
    });

    test.for([
      ['a usage that is missing', { usage: 0x80 }, {}, 'ARGUMENT'],
      ['an offset that cannot be bound', {}, { offset: 4 }, 'ARGUMENT'],
      ['a buffer that is too small', {}, { shape: [1000] }, 'SHAPE'],
      ['another element type', {}, { dtype: 'float8' }, 'ARGUMENT'],
    ] as const)('%s is refused', async ([, descriptor, given, code]) => {
      const backend = await webgpu.create({ device });
      const buffer = device.createBuffer({ size: 256, usage: USAGE, ...descriptor });
      const wrap = (): unknown => backend.wrap!({ buffer, dtype: 'float32', shape: [4], ...given });
      expect(wrap).toThrow(expect.objectContaining({ code }));
      await backend.dispose();
    });
  });

  test('a lost device is one clear error, and the next create() works', async () => {
    const device = await ownDevice();
    const backend = await webgpu.create({ device });
    const resident = await backend.upload(waves([4], 1));
    device.destroy();
    const lost = { code: 'ENGINE', message: expect.stringContaining('device was lost') };
    await expect(attention(backend, selfAttention(4))).rejects.toMatchObject(lost);
    await expect(resident.read()).rejects.toMatchObject({
      ...lost,
      remedy: expect.stringContaining('requestDevice'),
    });
    await backend.dispose();
    const unavailable = { code: 'UNAVAILABLE', message: expect.stringContaining('device was lost') };
    await expect(webgpu.create({ device })).rejects.toMatchObject(unavailable);
    await using next = await webgpu.create();
    await attention(next, selfAttention(4));
  });

  describe('more than a shader can see of a buffer, 128 MiB by default,', () => {
    const seen = 2 ** 27;
    const tooMuch = {
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(
        /the device allows 134217728 \(maxStorageBufferBindingSize\); .*create\(\)/,
      ),
    };

    test.each(['input', 'result'])('%s of one head is refused', async (what) => {
      const device = await ownDevice();
      expect(device.limits.maxStorageBufferBindingSize).toBe(seen);
      const live = watchBuffers(device);
      await using backend = await webgpu.create({ device });
      const shape = [1, 1, 1, seen / 4 + 4];
      const large = (): Tensor<'float32'> => tensor(new Float32Array(seen / 4 + 4), shape);
      const few = waves([1, 1, 2, 4], 1);
      const length = 5800;
      const calls: Record<string, () => unknown> = {
        input: () =>
          attention(backend, {
            query: waves([1, 1, 1, 1], 1),
            key: waves([1, 1, 1, 1], 1),
            value: large(),
          }),
        result: () => attention(backend, { ...selfAttention(length, 1, 4), weights: true }),
      };
      await expect((async () => calls[what]!())()).rejects.toMatchObject(tooMuch);
      expect(live.count).toBe(0);
      await attention(backend, { query: few, key: few, value: few });
    });
  });

  test('too much memory is an error with a remedy, and the backend works on', async () => {
    await using backend = await webgpu.create();
    const request = { ...selfAttention(65_536, 1, 4), weights: true } as const;
    await expect(attention(backend, request)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining('weights'),
    });
    await attention(backend, selfAttention(20));
  });
});
