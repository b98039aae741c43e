import { expect, test } from 'vitest';

type Environment = Readonly<Record<string, string | undefined>>;
interface Child {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

// This package is compiled without the types of Node, so that it cannot come to depend on Node.
const { process } = globalThis as unknown as { process: { execPath: string; env: Environment } };
const { spawnSync } = (await import('node:child_process' as string)) as {
  spawnSync(command: string, words: readonly string[], options: object): Child;
};

/** Output of a program, in a process where garbage can be collected on demand. */
function printed(program: string, env: Environment = process.env): { out: string[]; warnings: string } {
  const whole = `
    import { attention, resolveRequest, tensor } from '${new URL('../../dist/index.js', import.meta.url).href}';
    import { defineBackend, zeros } from '${new URL('../../dist/backend/index.js', import.meta.url).href}';
    const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
    const request = { query: x, key: x, value: x };
    const live = new Set();
    let ended = 0, kernels = 0, freed = 0;
    let gate;
    const made = (shape) => { const native = zeros('float32', shape); live.add(native); return native; };
    const create = () => defineBackend({
      name: 'engine',
      device: 'engine',
      capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
      memory: {
        upload: ({ shape }) => made(shape),
        download: (native) => zeros('float32', native.shape),
        write: (native) => native,
        free: (native) => { if (!live.delete(native)) throw new Error('freed twice'); },
      },
      compile: () => ({
        plan: { algorithm: 'none', tile: { query: 1, key: 1 }, scratchBytes: 0 },
        run: async () => {
          await gate;
          return { output: made([1, 1, 1, 1]) };
        },
        dispose: () => void kernels++,
      }),
      linear: {
        compile: () => ({
          pack: () => ({}),
          free: () => void freed++,
          run: () => made([1, 1]),
          dispose: () => void kernels++,
        }),
      },
      dispose: () => void ended++,
    });
    const weight = tensor(new Float32Array([1]), [1, 1]);
    const collect = async () => {
      for (let n = 0; n < 5; n++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
    };
    ${program}`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', whole],
    { encoding: 'utf8', env },
  );
  if (status !== 0) throw new Error(stderr);
  return { out: stdout.trim().split('\n'), warnings: stderr };
}

test('resident tensors that are dropped are freed when they are collected, and the first one is told', () => {
  const { out, warnings } = printed(`
    const backend = create();
    const drop = async () => {
      for (let n = 0; n < 100; n++) await backend.upload(x);
      const { output } = await attention(backend, request, { resident: true });
      output.hold();
    };
    const kept = await backend.upload(x);
    await drop();
    await collect();
    console.log(live.size, ended);
    kept.dispose();
    console.log(live.size);
    await backend.dispose();
    console.log(ended);
  `);
  expect(out).toEqual(['1 0', '0', '1']);
  expect(warnings.match(/HEED_UNDISPOSED/g)).toHaveLength(1);
  expect(warnings).toContain('dispose()');
});

test('what is disposed, or dropped in production, is not told', () => {
  const disposed = printed(`
    const backend = create();
    const use = async () => (await backend.upload(x)).dispose();
    await use();
    await backend.dispose();
    await collect();
    console.log(live.size);
  `);
  expect(disposed).toEqual({ out: ['0'], warnings: '' });
  const program = `
    const backend = create();
    const drop = async () => void (await backend.upload(x));
    await drop();
    await collect();
    console.log(live.size);
    await backend.dispose();
  `;
  expect(printed(program, { ...process.env, NODE_ENV: 'production' })).toEqual({ out: ['0'], warnings: '' });
});

test('a backend that is dropped ends once neither tensors nor kernels nor methods of it are in reach', () => {
  const { out, warnings } = printed(`
    let resident, kernel, run;
    const drop = async () => {
      const backend = create();
      resident = await backend.upload(x);
      await attention(backend, request);
      kernel = await backend.compile(resolveRequest(request).problem);
      // Taken off its kernel, as one does with a function.
      ({ run } = kernel);
      await backend.upload(x);
    };
    await drop();
    await collect();
    console.log('by its tensor and kernel', live.size, ended, kernels);
    resident = kernel = undefined;
    await collect();
    console.log('by a method', live.size, ended, kernels);
    await run(request);
    run = undefined;
    await collect();
    console.log('by nothing', live.size, ended, kernels);
  `);
  expect(out).toEqual(['by its tensor and kernel 1 0 1', 'by a method 0 0 1', 'by nothing 0 1 2']);
  expect(warnings.match(/HEED_UNDISPOSED/g)).toHaveLength(1);
});

test('a run under way keeps its backend until it has ended', () => {
  const { out } = printed(`
    const start = () => attention(create(), request);
    let open;
    gate = new Promise((resolve) => (open = resolve));
    let runs = Array.from({ length: 10 }, start);
    await collect();
    console.log(ended);
    open();
    console.log((await Promise.all(runs)).length);
    runs = undefined;
    await collect();
    console.log(live.size, ended);
  `);
  expect(out).toEqual(['0', '10', '0 10']);
});

test('an engine that fails to end once it is collected is told, and does not end the process', () => {
  const { out, warnings } = printed(`
    const drop = async () => void (await defineBackend({
      name: 'engine',
      device: 'engine',
      capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
      compile: () => ({ plan: {}, run: () => ({}), dispose: () => { throw new Error('stuck kernel'); } }),
      dispose: () => { throw new Error('stuck engine'); },
    }).compile(resolveRequest(request).problem));
    await drop();
    await collect();
    console.log('alive');
  `);
  expect(out).toEqual(['alive']);
  expect(warnings).toContain('stuck kernel');
});

test('200 backends that are dropped leave nothing', () => {
  const { out } = printed(`
    const drop = async () => {
      const backend = create();
      await backend.upload(x);
      await attention(backend, request);
    };
    for (let n = 0; n < 200; n++) await drop();
    await collect();
    console.log(live.size, ended, kernels);
  `);
  expect(out).toEqual(['0 200 200']);
});

test('linear kernels and packed weights that are dropped end in whatever order they are, and their backend with them', () => {
  const { out } = printed(`
    let kernel, weights;
    const open = async () => {
      kernel = await create().linear.compile({ inputDim: 1, outputDim: 1 });
      weights = await kernel.pack({ weight });
      await kernel.run({ input: weight, weights });
    };
    const told = (what) => console.log(what, freed, kernels, ended);
    await open();
    weights = undefined;
    await collect();
    told('weights first');
    kernel = undefined;
    await collect();
    told('then the kernel');
    await open();
    kernel = undefined;
    await collect();
    told('kernel first');
    weights = undefined;
    await collect();
    told('then the weights');
    for (let n = 0; n < 50; n++) await open();
    kernel = weights = undefined;
    await collect();
    told('both');
    console.log(live.size);
  `);
  expect(out).toEqual([
    'weights first 1 0 0',
    'then the kernel 1 1 1',
    'kernel first 1 1 1',
    'then the weights 2 2 2',
    'both 52 52 52',
    '0',
  ]);
});
