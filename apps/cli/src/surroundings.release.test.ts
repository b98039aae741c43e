import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Globals that edge runtimes, old engines or the pages of test runners lack. */
const GLOBALS = [
  'TextEncoder',
  'TextDecoder',
  'MessageChannel',
  'setImmediate',
  'performance',
  'Atomics',
  'SharedArrayBuffer',
  'FinalizationRegistry',
  'structuredClone',
];

const BACKEND = `
  const { default: provider } = await import('@heed/backend-NAME');
  const here = await provider.probe();
  if (!here.available) {
    print(here.reason.length > 0 && here.remedy.length > 0 ? 'says so' : 'says nothing');
    process.exit();
  }
  // A short call, and one that gives others a turn.
  for (const length of [16, LONG]) await attend(await provider.create(OPTIONS), length);
  print('works');
`;

const backend = (name: string, long: number, options = ''): string =>
  BACKEND.replace('NAME', name).replace('LONG', String(long)).replace('OPTIONS', options);

/** Short program that uses each package. */
const PROGRAMS: Readonly<Record<string, string>> = {
  core: `
    const { default: reference } = await import('@heed/core/reference');
    await attend(await reference.create(), 16);
    print('works');`,
  'backend-ts': backend('ts', 1600),
  'backend-wasm': backend('wasm', 3000),
  'backend-wasm on one thread': backend('wasm', 3000, '{ threads: 1 }'),
  'backend-gpujs by itself': backend('gpujs', 64),
  'backend-gpujs in JavaScript': backend('gpujs', 64, "{ mode: 'cpu' }"),
  layers: `
    const { Linear, MultiHeadAttention, openSafetensors, readSafetensors } = await import('@heed/layers');
    const { default: ts } = await import('@heed/backend-ts');
    const layer = new MultiHeadAttention({ embedDim: 64, heads: 2 });
    await layer.forward(await ts.create(), { query: numbers([1, 16, 64]) });
    const header = '{"é":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const text = Buffer.from(header);
    const file = new Uint8Array([text.length, 0, 0, 0, 0, 0, 0, 0, ...text, 0, 0, 128, 63]);
    if (readSafetensors(file).tensor('é').data[0] !== 1) throw new Error('wrong');
    file[8 + header.indexOf('é')] = 255;
    try {
      readSafetensors(file);
      print('takes what is not UTF-8');
    } catch (error) {
      print(error.clause === 'safetensors.header' ? 'works' : String(error));
    }`,
  heatmap: `
    const { heatmap, toHTML, toSVG, toTerminal } = await import('@heed/heatmap');
    const { toPNG } = await import('@heed/heatmap/png');
    const view = heatmap(numbers([1, 1, 200, 200]));
    toHTML(view);
    toTerminal(view);
    try {
      await toPNG(view);
    } catch (error) {
      if (error.code !== 'UNAVAILABLE' || !error.remedy.includes('toSVG')) throw error;
    }
    print(toSVG(view).includes('data:image/png;base64,iVBORw0KGgo') ? 'works' : 'draws no cells');`,
};

function outcome(program: string, missing: string): string {
  const whole = `
    const print = (word) => process.stdout.write(word);
    delete globalThis['${missing}'];
    const { attention, tensor } = await import('@heed/core');
    const numbers = (shape) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return tensor(Float32Array.from({ length: size }, (_, n) => Math.sin(n) ** 2), shape);
    };
    const attend = async (backend, length) => {
      const query = numbers([1, 1, length, 64]);
      const { output } = await attention(backend, { query, key: query, value: query });
      if (!output.data.every((x) => x >= 0 && x <= 1)) throw new Error('wrong');
      await backend.dispose();
    };
    ${program}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', whole], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    timeout: 60_000,
  });
  return stdout === '' ? stderr : stdout;
}

describe.for(GLOBALS)('without %s', (missing) => {
  test.each(Object.entries(PROGRAMS))('%s works, or probe() says why not', (_, program) => {
    expect(outcome(program, missing)).toMatch(/^(works|says so)$/);
  });
});
