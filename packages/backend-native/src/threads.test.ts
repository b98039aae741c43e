import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AttentionRequest, attention, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import native from './index.ts';
import { longRequest, numbers } from './test/long-run.ts';

const { available } = await native.probe();
const program = fileURLToPath(new URL('../dist/test/ends.js', import.meta.url));
const run = (...words: string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, [program, ...words]);

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

  test('buffers that are shared or resizable are as good as others', async () => {
    const backend = await native.create();
    const x = numbers(1, 1, 2, 40, 16);
    const shared = new Float32Array(new SharedArrayBuffer(x.data.byteLength));
    shared.set(x.data);
    const moved = tensor(shared as Float32Array<never>, x.shape);
    const { output } = await attention(backend, { query: moved, key: moved, value: moved });
    expect(output.data).toEqual((await attention(backend, { query: x, key: x, value: x })).output.data);
    await backend.dispose();
  });
});

describe.runIf(available)('the end, with runs under way', () => {
  test('process.exit(), 100 times', { timeout: 300_000 }, async () => {
    for (let n = 0; n < 100; n += 10) await Promise.all(Array.from({ length: 10 }, () => run('exit')));
  });

  test('worker.terminate(), 100 times', { timeout: 300_000 }, async () => {
    await run('workers', '100');
  });
});
