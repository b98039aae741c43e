import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { folderOf, heed, heedJSON } from '../heed.test.helper.ts';

/** As numpy.save writes it. */
function npy(descr: string, shape: readonly number[], data: Uint8Array, fortran = false): Uint8Array {
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${lengths}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const start = [0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length & 255, header.length >> 8];
  return new Uint8Array([...start, ...new TextEncoder().encode(header), ...data]);
}

function safetensors(
  tensors: Readonly<Record<string, readonly [shape: number[], data: Float32Array]>>,
): Uint8Array {
  let at = 0;
  const header = JSON.stringify(
    Object.fromEntries(
      Object.entries(tensors).map(([name, [shape, { byteLength }]]) => [
        name,
        { dtype: 'F32', shape, data_offsets: [at, (at += byteLength)] },
      ]),
    ),
  );
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  const data = Object.values(tensors).flatMap(([, numbers]) => [...bytes(numbers)]);
  return new Uint8Array([...length, ...new TextEncoder().encode(header), ...data]);
}

const bytes = (numbers: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(numbers.buffer);
const weights = new Float32Array([0.25, 0.75, 0, 1, 0.5, 0.5]);

function folderWith(file: string, data: Uint8Array): string {
  const cwd = folderOf({});
  writeFileSync(path.join(cwd, file), data);
  return cwd;
}

describe('files', () => {
  test.each([
    ['<f4', bytes(weights)],
    ['<f8', bytes(Float64Array.from(weights))],
    ['<f2', bytes(new Uint16Array([0x3400, 0x3a00, 0, 0x3c00, 0x3800, 0x3800]))],
  ])('.npy of %s', (descr, data) => {
    const cwd = folderWith('w.npy', npy(descr, [3, 2], data));
    const { code, stdout, stderr } = heed(['heatmap', 'w.npy'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/w\.npy: w[\s\S]*\.250\S? +\.750\S?[\s\S]*\.000 +1\.00\S?[\s\S]*\.500\S? +\.500/);
  });

  test('.npy in the order of Fortran, of integers and booleans', () => {
    const columns = new Int32Array([1, 2, 3, 4, 5, 6]);
    const cwd = folderWith('w.npy', npy('<i4', [3, 2], bytes(columns), true));
    expect(heed(['heatmap', 'w.npy'], { cwd }).stdout).toMatch(/1\.00\S? +4\.00[\s\S]*2\.00\S? +5\.00/);
    writeFileSync(path.join(cwd, 'b.npy'), npy('|b1', [1, 2], new Uint8Array([1, 0])));
    expect(heed(['heatmap', 'b.npy'], { cwd }).stdout).toMatch(/1\.00\S? +\.000/);
  });

  test('.npz: the tensor that is called weights, or the one that is named', () => {
    const files = {
      'weights.npy': npy('<f4', [3, 2], bytes(weights)),
      'other.npy': npy('<f4', [1, 1], bytes(weights.slice(1, 2))),
    };
    const cwd = folderWith('w.npz', zipSync(files));
    expect(heed(['heatmap', 'w.npz'], { cwd }).stdout).toContain('w.npz: weights');
    expect(heed(['heatmap', 'w.npz', '--tensor', 'other'], { cwd }).stdout).toContain('.750');
  });

  test('.safetensors: heads of a layer', () => {
    const cwd = folderWith('w.safetensors', safetensors({ attn: [[3, 1, 2], weights] }));
    expect(heed(['heatmap', 'w.safetensors', '--head', '2'], { cwd }).stdout).toContain('.500');
    expect(heed(['heatmap', 'w.safetensors', '--head', 'mean'], { cwd }).stdout).toContain('.250');
    expect(heed(['heatmap', 'w.safetensors', '--head', 'all'], { cwd }).stdout).toContain('Head 2');
    const { code, value } = heedJSON(['heatmap', path.join(cwd, 'w.safetensors')]);
    expect({ code, value }).toMatchObject({ code: 2, value: { code: 'ARGUMENT' } });
  });

  test('queries and keys: their weights are computed', () => {
    const query: [number[], Float32Array] = [[1, 2], new Float32Array([0, 0])];
    const key: [number[], Float32Array] = [[2, 2], new Float32Array([1, 2, 3, 4])];
    const cwd = folderWith('qk.safetensors', safetensors({ query, key }));
    expect(heed(['heatmap', 'qk.safetensors'], { cwd }).stdout).toMatch(
      /query and key[\s\S]*\.500\S? +\.500/,
    );
  });

  test('queries and keys too long for a whole matrix: tile by tile', () => {
    const data = Float32Array.from({ length: 3000 }, (_, n) => Math.sin(n));
    const cwd = folderWith('long.safetensors', safetensors({ q: [[3000, 1], data], k: [[3000, 1], data] }));
    const { code, value } = heedJSON<{ description: string; files: string[] }>([
      'heatmap',
      path.join(cwd, 'long.safetensors'),
      '--out',
      path.join(cwd, 'long.svg'),
    ]);
    expect(code).toBe(0);
    expect(value.description).toContain('1024 queries (rows) over 1024 keys');
    expect(readFileSync(path.join(cwd, 'long.svg'), 'utf8')).toContain('data:image/png');
  });

  test('labels, where tiles have none', () => {
    const data = new Float32Array(3000);
    const cwd = folderWith('long.safetensors', safetensors({ q: [[3000, 1], data], k: [[3000, 1], data] }));
    writeFileSync(path.join(cwd, 't.txt'), 'token\n'.repeat(3000));
    const { code, stderr } = heed(['heatmap', 'long.safetensors', '--tokens', 't.txt'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('--tokens is given');
  });

  test('.json: weights with their tokens, and a case', () => {
    const one = { dtype: 'float32', shape: [1, 1, 2, 1], data: [0, 0] };
    const cwd = folderOf({
      'w.json': JSON.stringify({ weights: [[0.25, 0.75]], tokens: ['mud', 'river'] }),
      'cases.json': JSON.stringify({
        format: 'heed-cases/1',
        source: 'by hand',
        cases: [
          {
            id: 'a',
            options: { causal: true },
            inputs: { query: one, key: one, value: one },
            expected: { output: one },
          },
          { id: 'b', inputs: { query: one, key: one, value: one }, expected: { output: one } },
        ],
      }),
    });
    expect(heed(['heatmap', 'w.json'], { cwd }).stdout).toMatch(/mud +river/);
    const causal = heed(['heatmap', 'cases.json', '--case', 'a'], { cwd });
    expect(causal.stdout).toMatch(/1\.00\S? +\.000[\s\S]*\.500\S? +\.500/);
    expect(heedJSON(['heatmap', path.join(cwd, 'cases.json')]).value).toMatchObject({
      message: expect.stringContaining('a, b'),
    });
  });
});

describe('pictures', () => {
  const files = { 'w.json': JSON.stringify({ weights: [[0.25, 0.75]], tokens: ['<script>', 'b'] }) };

  test('SVG, PNG and HTML in one go', () => {
    const cwd = folderOf(files);
    const outs = ['w.svg', 'w.png', 'w.html'].flatMap((out) => ['--out', out]);
    const { code, stdout } = heed(['heatmap', 'w.json', ...outs, '--color-map', 'viridis'], { cwd });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['w.svg', 'w.png', 'w.html'].map((out) => path.join(cwd, out)));
    expect(readFileSync(path.join(cwd, 'w.svg'), 'utf8')).toContain('&lt;script&gt;');
    expect(readFileSync(path.join(cwd, 'w.png')).subarray(1, 4).toString()).toBe('PNG');
    expect(readFileSync(path.join(cwd, 'w.html'), 'utf8')).not.toContain('<script');
  });

  test('rollout over layers', () => {
    const layer: [number[], Float32Array] = [[2, 2], new Float32Array([0, 1, 1, 0])];
    const cwd = folderWith('m.safetensors', safetensors({ a: layer, b: layer }));
    const words = ['heatmap', 'm.safetensors', '--tensor', 'a', '--tensor', 'b'];
    expect(heed([...words, '--rollout'], { cwd }).stdout).toMatch(/\.500\S? +\.500/);
    expect(heed(words, { cwd }).code).toBe(2);
  });

  test('tokens from a file, a domain, a title', () => {
    const cwd = folderOf({ ...files, 'tokens.txt': 'the\nbank\n' });
    const words = ['heatmap', 'w.json', '--tokens', 'tokens.txt', '--domain', '0,2', '--title', 'T'];
    expect(heed(words, { cwd }).stdout).toMatch(/^T\n[\s\S]*the +bank[\s\S]*2\.00\n$/);
  });
});

describe('flags that contradict each other or change nothing are wrong usage that names them', () => {
  const one = { dtype: 'float32', shape: [1, 1, 2, 1], data: [0, 0] };
  const inputs = { query: one, key: one, value: one };
  const files = {
    'w.json': JSON.stringify({ weights: [[0.25, 0.75]] }),
    'cases.json': JSON.stringify({
      format: 'heed-cases/1',
      source: 'by hand',
      cases: [{ id: 'a', inputs, expected: { output: one } }],
    }),
    'bad.json': '["a",',
    'odd.json': '["a", {}]',
  };
  test.each<[string[], ...RegExp[]]>([
    [['w.json', '--head', 'all', '--rollout'], /--head/, /--rollout/],
    [['w.json', '--tensor', 'weights', '--case', 'a'], /--tensor/, /--case/],
    [['w.json', '--case', 'a'], /no case a\. The file has no case/, /leave out --case/],
    [['cases.json', '--case', 'b'], /no case b\. The file has a\n/, /choose one of them with --case/],
    [['cases.json', '--tensor', 'a'], /no tensor a\. The file has no tensor/, /leave out --tensor/],
    [['w.json', '--tensor', 'foo'], /no tensor foo\. The file has weights\n/, /one of them with --tensor/],
    [['w.json', '--backend', 'ts'], /--backend is given, w\.json holds weights/],
    [['w.json', '--theme', 'dark'], /--theme is given, there is no --out/],
    [['w.json', '--domain', ',5'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,Infinity'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,1,2'], /expected LOW,HIGH/],
    [['w.json', '--tokens', 'bad.json'], /bad\.json is no JSON list of tokens/, /→ write them as/],
    [['w.json', '--tokens', 'w.json'], /w\.json is no JSON list of tokens: it is \{"weights"/],
    [['w.json', '--tokens', 'odd.json'], /element 1 is \{\}/],
  ])('%j', (words, ...messages) => {
    const { code, stdout, stderr } = heed(['heatmap', ...words], { cwd: folderOf(files) });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const message of messages) expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
  });
});

describe('what cannot be drawn is an error that says why', () => {
  const good = npy('<f4', [3, 2], bytes(weights));
  test.each<[string, string, Uint8Array | string, string[], string]>([
    ['no such file', 'x.npy', '', ['none.npy'], 'cannot be read'],
    ['another kind of file', 'x.txt', '', ['x.txt'], 'none of'],
    ['no .npy', 'x.npy', 'hello, this is text', ['x.npy'], 'no .npy file'],
    ['a .npy that ends early', 'x.npy', good.slice(0, -1) as never, ['x.npy'], 'needs 24 bytes'],
    ['another type', 'x.npy', npy('<c8', [3], bytes(weights)) as never, ['x.npy'], 'holds <c8'],
    ['big-endian', 'x.npy', npy('>f4', [3, 2], bytes(weights)) as never, ['x.npy'], 'holds >f4'],
    ['one axis', 'x.npy', npy('<f4', [6], bytes(weights)) as never, ['x.npy'], 'expected [Lq, Lk]'],
    ['no .npz', 'x.npz', 'hello', ['x.npz'], 'no .npz file'],
    ['an empty .npz', 'x.npz', zipSync({}), ['x.npz'], 'nothing that can be drawn'],
    ['no .safetensors', 'x.safetensors', 'hello', ['x.safetensors'], ''],
    ['weights under another name', 'x.json', '{"weight":[[1,2]]}', ['x.json'], '"weights"'],
    ['rows without a name', 'x.json', '[[1,2]]', ['x.json'], '"weights"'],
    ['weights that are no list', 'x.json', '{"weights":3}', ['x.json'], 'no list of rows'],
    ['tokens that are no list', 'x.json', '{"weights":[[1,2]],"tokens":"ab"}', ['x.json'], 'tokens is no'],
    ['no JSON', 'x.json', '{"weights":', ['x.json'], 'is no JSON'],
    ['ragged rows', 'x.json', '{"weights":[[1,2],[3]]}', ['x.json'], 'all of one length'],
    ['too few tokens', 'x.json', '{"weights":[[1,2]],"tokens":["a","b","c"]}', ['x.json'], '3 tokens'],
    ['a head that is not there', 'x.npy', good, ['x.npy', '--head', '1'], 'head is 1'],
    ['a format that is none', 'x.npy', good, ['x.npy', '--out', 'x.gif'], '.svg'],
    ['a folder that is none', 'x.npy', good, ['x.npy', '--out', 'no/such/x.svg'], 'cannot be written'],
  ])('%s', (_, name, data, words, message) => {
    const cwd = folderOf({});
    writeFileSync(path.join(cwd, name), data);
    const { code, stderr, stdout } = heed(['heatmap', ...words], { cwd });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });
});
