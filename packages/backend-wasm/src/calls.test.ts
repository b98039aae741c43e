import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import { type AttentionRequest, attention, resolveRequest, tensor } from '@heed/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBackend } from './backend.ts';
import { startEngine } from './platform/engine.ts';
import { nodeModule } from './platform/node.ts';
import wasm from './index.ts';
import { waves } from './test/waves.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Forward = AttentionRequest & { readonly output?: true; readonly gradient?: false };

function selfAttention(length: number, heads = 2, depth = 16): Forward {
  const shape = [1, heads, length, depth];
  return { query: waves(shape, 1), key: waves(shape, 2), value: waves(shape, 3) };
}

describe('options', () => {
  test.for([
    { threads: 0 },
    { threads: 1.5 },
    { threads: 257 },
    { threads: 1e6 },
    { relaxedSimd: true as never },
  ])('%o is refused', async (options) => {
    await expect(wasm.create(options)).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  test('the device says what really runs', async () => {
    await using one = await wasm.create({ threads: 1, relaxedSimd: false });
    expect(one.device).toBe('WebAssembly, SIMD, 1 thread');
    await using three = await wasm.create({ threads: 3 });
    expect(three.device).toMatch(/^WebAssembly, (relaxed )?SIMD, 3 threads$/);
  });
});

describe('bits', () => {
  test('do not depend on the number of threads', async () => {
    const request = {
      ...selfAttention(140, 3),
      causal: true,
      logSumExp: true,
      weights: true,
    } as const;
    const dOutput = waves([1, 3, 140, 16], 4);
    const all = [];
    for (const threads of [1, 2, 3]) {
      await using backend = await wasm.create({ threads });
      const { gradient, ...forward } = await attention(backend, { ...request, gradient: true });
      all.push({ ...forward, ...(await gradient(dOutput)) });
    }
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
  });
});

describe('threads', () => {
  const { Worker: Original } = nodeModule('node:worker_threads')!;
  const made: Worker[] = [];
  const watchWorkers = (): void => {
    nodeModule('node:worker_threads')!.Worker = class extends Original {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given);
        made.push(this);
      }
    };
  };
  afterEach(() => {
    nodeModule('node:worker_threads')!.Worker = Original;
    made.length = 0;
  });

  test('one that is killed during a call fails it, and later calls are right', async () => {
    watchWorkers();
    await using backend = await wasm.create({ threads: 2 });
    const { problem, inputs } = resolveRequest(selfAttention(8192, 8, 64));
    const kernel = await backend.compile(problem);
    const long = kernel.run(inputs);
    // In the first turn that the call gives to others.
    setTimeout(() => void made[0]!.terminate());
    await expect(long).rejects.toMatchObject({ code: 'ENGINE', message: expect.stringContaining('ended') });
    const request = selfAttention(600);
    const { output } = await attention(backend, request);
    expect(made).toHaveLength(2);
    await using other = await wasm.create({ threads: 1 });
    expect(output).toEqual((await attention(other, request)).output);
  });

  test('end with the backend', async () => {
    watchWorkers();
    const backend = await wasm.create({ threads: 3 });
    const ended = made.map((worker) => new Promise((resolve) => worker.on('exit', resolve)));
    expect(ended).toHaveLength(2);
    await backend.dispose();
    await Promise.all(ended);
  });

  test('end with a backend that nobody disposed', async () => {
    watchWorkers();
    const drop = async (): Promise<void> => {
      const backend = await wasm.create({ threads: 2 });
      await attention(backend, selfAttention(600));
    };
    await drop();
    const collecting = setInterval(collectGarbage, 10);
    await new Promise((resolve) => made[0]!.on('exit', resolve));
    clearInterval(collecting);
  });

  test('can be started from an address', async () => {
    const request = selfAttention(600);
    await using backend = await wasm.create({
      threads: 3,
      worker: new URL('../dist/worker.js', import.meta.url),
    });
    await using other = await wasm.create({ threads: 1 });
    const { output } = await attention(backend, request);
    expect(output).toEqual((await attention(other, request)).output);
  });

  test.for([{}, { threads: 2 }])('an address of another module is an error, %o', async (options) => {
    const speaks = "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('hello');";
    const worker = `data:text/javascript,${encodeURIComponent(speaks)}`;
    await expect(wasm.create({ ...options, worker })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('not the module of a worker'),
    });
  });

  test('do not keep a program alive', () => {
    const program = `
      import wasm from ${JSON.stringify(fileURLToPath(new URL('../dist/index.js', import.meta.url)))};
      import { attention, tensor } from '@heed/core';
      const backend = await wasm.create({ threads: 3 });
      const x = tensor(new Float32Array(4 * 500 * 16), [1, 4, 500, 16]);
      console.log((await attention(backend, { query: x, key: x, value: x })).output.shape.join());
    `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([stdout.trim(), status]).toEqual(['1,4,500,16', 0]);
  });
});

test('many calls with one signal are not a leak', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error): number => warnings.push(warning);
  process.on('warning', listener);
  await using backend = await wasm.create({ threads: 2 });
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 30 }, () => attention(backend, selfAttention(20), { signal })));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  expect(warnings).toEqual([]);
});

/** Engines may reserve 8 GiB for a memory of any size, which `ulimit -v` may not allow. */
test('without address space for memory there is no backend', async () => {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = vi.fn<() => void>(function refuse() {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory');
  }) as never;
  try {
    const remedy = expect.stringContaining('ulimit') as string;
    const reason = 'no address space for WebAssembly memory';
    expect(await wasm.probe()).toEqual({ available: false, reason, remedy });
    for (const options of [{}, { threads: 1 }, { threads: 2 }]) {
      await expect(wasm.create(options)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        reason: `wasm: ${reason}`,
        remedy,
      });
    }
  } finally {
    WebAssembly.Memory = Memory;
  }
});

describe.for([1, 2])('memory, with %i threads', (threads) => {
  test('is all given back by runs, gradients, errors and aborts', async () => {
    const engine = await startEngine({ threads });
    await using backend = createBackend(engine);
    const request = { ...selfAttention(40), bias: waves([40, 40], 5), keyLengths: [33] };
    for (let n = 0; n < 3; n++) {
      const { gradient } = await attention(backend, { ...request, gradient: true });
      await gradient(waves([1, 2, 40, 16], 4));
    }
    const signal = AbortSignal.timeout(5);
    await expect(attention(backend, selfAttention(8192), { signal })).rejects.toThrow('timeout');
    expect(engine.heap.bytesTaken).toBe(0);
  });

  test('is not grown by a loop over a cache', async () => {
    const engine = await startEngine({ threads });
    await using backend = createBackend(engine);
    const [key, value] = await Promise.all(
      [1, 2].map((seed) => backend.upload(waves([1, 2, 512, 16], seed))),
    );
    const step = async (length: number): Promise<void> => {
      await key!.write(waves([1, 2, 1, 16], length), { axis: 2, start: length - 1 });
      await value!.write(waves([1, 2, 1, 16], -length), { axis: 2, start: length - 1 });
      const query = waves([1, 2, 1, 16], length);
      await attention(backend, { query, key: key!, value: value!, keyLengths: [length] });
    };
    await step(1);
    const before = engine.heap.memory.buffer.byteLength;
    for (let length = 2; length <= 512; length++) await step(length);
    expect(engine.heap.memory.buffer.byteLength).toBe(before);
  });

  test('that cannot be allocated is an error with a remedy', async () => {
    await using backend = await wasm.create({ threads });
    const request = { ...selfAttention(65_536, 1, 4), output: false, weights: true } as const;
    await expect(attention(backend, request)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      remedy: expect.stringContaining('weights'),
    });
    await attention(backend, selfAttention(20));
  });

  test('of a tensor that is disposed while a run computes with it lasts as long', async () => {
    await using backend = await wasm.create({ threads });
    const request = selfAttention(600);
    const { output } = await attention(backend, request);
    const { problem, inputs } = resolveRequest(request);
    const kernel = await backend.compile(problem);
    const key = await backend.upload(request.key as never);
    const run = kernel.run({ ...inputs, key });
    await Promise.resolve();
    setTimeout(() => key.dispose());
    const others = Array.from({ length: 5 }, () => backend.upload(request.value as never));
    expect((await run).output).toEqual(output);
    await Promise.all(others);
  });
});

describe('long sequences', () => {
  /** Some rows of a run, against the same rows alone. */
  test.for([
    [16_384, {}],
    [65_536, { window: { left: 100, right: 100 } }],
  ] as const)('%i tokens run', async ([length, options]) => {
    await using backend = await wasm.create();
    const request = { ...selfAttention(length, 1, 16), ...options };
    const { output } = await attention(backend, request);
    for (const row of [0, Math.floor(length / 3), length - 1]) {
      const data = (request.query as ReturnType<typeof waves>).data.slice(16 * row, 16 * row + 16);
      const alone = await attention(backend, {
        ...request,
        query: tensor(data, [1, 1, 1, 16]),
        alignment: { offset: row },
      });
      for (let d = 0; d < 16; d++) expect(output.data[16 * row + d]).toBeCloseTo(alone.output.data[d]!, 5);
    }
  });
});
