import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AttentionRequest, attention, tensor } from '@heed/core';
import { describe, expect, test, vi } from 'vitest';
import native from './index.ts';
import { longRequest, numbers } from './test/long-run.ts';

/** `ArrayBuffer` as ES2024 has it. */
type Resizable = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;

const { available } = await native.probe();
const programs = fileURLToPath(new URL('../dist/test/', import.meta.url));
const run = (program: string, ...words: string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, ['--expose-gc', `${programs}${program}.js`, ...words]);

describe.runIf(available)('threads', () => {
  test('the event loop turns while a run is under way', async () => {
    const backend = await native.create({ threads: 1 });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await attention(backend, longRequest());
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    await backend.dispose();
  });

  test('an aborted run rejects with the reason, and the next is whole', async () => {
    const backend = await native.create({ threads: 2 });
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const aborted = attention(backend, longRequest(), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(aborted).rejects.toBe(reason);
    const request = {
      query: numbers(1, 1, 2, 300, 32),
      key: numbers(2, 1, 2, 300, 32),
      value: numbers(3, 1, 2, 300, 32),
    };
    const { output } = await attention(backend, request);
    const alone = await native.create({ threads: 1 });
    expect(output.data).toEqual((await attention(alone, request)).output.data);
    await backend.dispose();
    await alone.dispose();
  });

  test('many runs with one signal listen to it once', async () => {
    const backend = await native.create({ threads: 2 });
    const { signal } = new AbortController();
    const listen = vi.spyOn(signal, 'addEventListener');
    const runs = Array.from({ length: 12 }, () => attention(backend, longRequest(300), { signal }));
    await Promise.all(runs);
    expect(listen).toHaveBeenCalledTimes(1);
    await backend.dispose();
  });

  // Some 100 µs: the calling thread waits for it, if the backend's threads are not all at work.
  const short = {
    query: numbers(1, 1, 4, 128, 64),
    key: numbers(2, 1, 4, 128, 64),
    value: numbers(3, 1, 4, 128, 64),
  };
  test.each([1, 2, 3])('short runs beside long ones all end, with %i threads', async (threads) => {
    const backend = await native.create({ threads });
    const [whole, part] = [await attention(backend, longRequest(700)), await attention(backend, short)];
    const long = [attention(backend, longRequest(700)), attention(backend, longRequest(700))];
    for (let n = 0; n < 8; n++) {
      expect((await attention(backend, short)).output.data).toEqual(part.output.data);
      if (n === 4) await setImmediate();
    }
    for (const { output } of await Promise.all(long)) expect(output!.data).toEqual(whole.output!.data);
    await backend.dispose();
  });

  test('the calling thread computes with subnormal numbers after runs of its own', async () => {
    const backend = await native.create({ threads: 1 });
    const request = {
      query: numbers(1, 1, 1, 16, 8),
      key: numbers(2, 1, 1, 16, 8),
      value: numbers(3, 1, 1, 16, 8),
    };
    const { gradient } = await attention(backend, { ...request, gradient: true });
    await gradient(request.value);
    const quarters = Float64Array.of(2 ** -1022).map((smallest) => smallest / 4);
    expect(quarters[0]).toBe(2 ** -1024);
    await backend.dispose();
  });

  const shapes: [string, AttentionRequest & { gradient?: false }][] = [
    ['dense', longRequest(700)],
    [
      'a decoding step over splits',
      {
        query: numbers(1, 2, 14, 1, 64),
        key: numbers(2, 2, 2, 9000, 64),
        value: numbers(3, 2, 2, 9000, 64),
        keyLengths: [9000, 5001],
      },
    ],
    [
      'few rows with many keys',
      {
        query: numbers(1, 1, 2, 70, 24),
        key: numbers(2, 1, 2, 9001, 24),
        value: numbers(3, 1, 2, 9001, 40),
        causal: true,
        alignment: 'bottomRight',
      },
    ],
  ];
  test.each(shapes)('%s: the same bits with 1, 2 and 5 threads, calls at once', async (_, request) => {
    const backends = await Promise.all([1, 2, 5].map((threads) => native.create({ threads })));
    const results = await Promise.all(
      backends.flatMap((backend) => [attention(backend, request), attention(backend, request)]),
    );
    for (const { output } of results) expect(output!.data).toEqual(results[0]!.output!.data);
    for (const backend of backends) await backend.dispose();
  });

  const buffers: [string, (bytes: number) => ArrayBufferLike][] = [
    ['shared', (bytes) => new SharedArrayBuffer(bytes)],
    ['resizable', (bytes) => new (ArrayBuffer as Resizable)(bytes, { maxByteLength: 2 * bytes })],
  ];
  test.each(buffers)(
    'a %s buffer is as good as others, and may change once the run has begun',
    async (_, make) => {
      const backend = await native.create();
      const x = numbers(1, 1, 12, 700, 64);
      const { output: expected } = await attention(backend, { query: x, key: x, value: x });
      const other = new Float32Array(make(x.data.byteLength));
      other.set(x.data);
      const y = tensor(other as Float32Array<never>, x.shape);
      const underWay = attention(backend, { query: y, key: y, value: y });
      await setImmediate();
      other.fill(Number.NaN);
      (other.buffer as { resize?: (bytes: number) => void }).resize?.(0);
      expect((await underWay).output.data).toEqual(expected.data);
      await backend.dispose();
    },
  );

  test('inputs that are transferred in mid-run, 100 times', { timeout: 300_000 }, async () => {
    await run('transfers');
  });
});

describe.runIf(available)('the end, with runs under way', () => {
  test('process.exit(), 20 times', { timeout: 300_000 }, async () => {
    for (let n = 0; n < 20; n += 4) await Promise.all(Array.from({ length: 4 }, () => run('ends', 'exit')));
  });

  test('worker.terminate(), 25 times', { timeout: 300_000 }, async () => {
    await run('ends', 'workers', '25');
  });
});
