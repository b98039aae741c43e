import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { folderOf, heed, heedJSON } from '../test/heed.ts';
import { moduleFile } from '../test/modules.ts';

/** A file as numpy.save writes it. */
function npy(descr: string, shape: readonly number[], data: Uint8Array, fortran = false): Uint8Array {
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${lengths}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const start = [0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length & 255, header.length >> 8];
  return new Uint8Array([...start, ...new TextEncoder().encode(header), ...data]);
}

/** A number in little-endian bytes. */
function little(bytes: 2 | 4 | 8, value: number): number[] {
  return [...new Uint8Array(new BigUint64Array([BigInt(value)]).buffer.slice(0, bytes))];
}

/** Writes pieces of a file at their places; the gaps between them take no room on a disk. */
function writePieces(
  file: string,
  size: number,
  pieces: readonly (readonly [at: number, data: Uint8Array])[],
): void {
  const descriptor = openSync(file, 'w');
  ftruncateSync(descriptor, size);
  for (const [at, data] of pieces) writeSync(descriptor, data, 0, data.length, at);
  closeSync(descriptor);
}

const ENTRY = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
};

/** An archive of two arrays that are not packed, the first of them large, its directory in 64 bits, as numpy.savez has it. */
function writeLargeNpz(file: string, hugeBytes: number, attention: Uint8Array): void {
  const hugeHeader = npy('|i1', [hugeBytes], new Uint8Array(0));
  const members = [
    { name: 'huge.npy', size: hugeHeader.length + hugeBytes, data: hugeHeader },
    { name: 'attn.npy', size: attention.length, data: attention },
  ];
  const pieces: [number, Uint8Array][] = [];
  const central: number[] = [];
  let at = 0;
  for (const { name, size, data } of members) {
    const chars = [...new TextEncoder().encode(name)];
    const extra = [
      ...little(2, 1),
      ...little(2, 24),
      ...little(8, size),
      ...little(8, size),
      ...little(8, at),
    ];
    const sizes = [...little(4, 0), ...little(4, 0xffffffff), ...little(4, 0xffffffff)];
    const about = [...little(2, 45), 0, 0, 0, 0, 0, 0, 0, 0, ...sizes, ...little(2, chars.length)];
    const header = [...little(4, ENTRY.local), ...about, ...little(2, 0), ...chars];
    central.push(
      ...[
        ...little(4, ENTRY.central),
        ...little(2, 45),
        ...about,
        ...little(2, extra.length),
        ...little(2, 0),
      ],
      ...[...little(2, 0), ...little(2, 0), ...little(4, 0), ...little(4, 0xffffffff), ...chars, ...extra],
    );
    pieces.push([at, Uint8Array.from(header)], [at + header.length, data]);
    at += header.length + size;
  }
  const counts = [...little(8, members.length), ...little(8, members.length)];
  const end64 = [...little(4, ENTRY.end64), ...little(8, 44), ...little(4, 45), ...little(8, 0), ...counts];
  const tail = [
    ...central,
    ...[...end64, ...little(8, central.length), ...little(8, at)],
    ...[...little(4, ENTRY.locator), ...little(4, 0), ...little(8, at + central.length), ...little(4, 1)],
    ...[...little(4, ENTRY.end), ...little(4, 0), ...little(2, 0xffff), ...little(2, 0xffff)],
    ...[...little(4, 0xffffffff), ...little(4, 0xffffffff), ...little(2, 0)],
  ];
  writePieces(file, at + tail.length, [...pieces, [at, Uint8Array.from(tail)]]);
}

function safetensors(
  tensors: Readonly<Record<string, readonly [shape: number[], data: Float32Array]>>,
): Uint8Array {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, [shape, { byteLength }]]) => [
      name,
      { dtype: 'F32', shape, data_offsets: [at, (at += byteLength)] },
    ]),
  );
  const file = safetensorsOf(header, at);
  const data = Object.values(tensors).flatMap(([, numbers]) => [...bytes(numbers)]);
  file.set(data, file.length - at);
  return file;
}

/** A file of a header, right or not, and so many zeros. */
function safetensorsOf(header: object | string, zeros: number): Uint8Array<ArrayBuffer> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const start = [...little(8, text.length), ...new TextEncoder().encode(text)];
  return Uint8Array.from([...start, ...new Uint8Array(zeros)]);
}

/** An entry of a header, without its place. */
const MATRIX = { dtype: 'F32', shape: [1, 2] };

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
    expect(stdout).toMatch(/w\.npy: w[\s\S]*\.250\S? +\.750\S?[\s\S]*· +1\.00\S?[\s\S]*\.500\S? +\.500/);
  });

  const small = [1, 0, 3, 1, 2, 2];
  test.each<[string, Uint8Array]>([
    ['|i1', bytes(Int8Array.from(small))],
    ['<i2', bytes(Int16Array.from(small))],
    ['<i4', bytes(Int32Array.from(small))],
    ['<i8', bytes(BigInt64Array.from(small, BigInt))],
    ['|u1', bytes(Uint8Array.from(small))],
    ['<u2', bytes(Uint16Array.from(small))],
    ['<u4', bytes(Uint32Array.from(small))],
    ['<u8', bytes(BigUint64Array.from(small, BigInt))],
    ['>i2', bytes(Int16Array.from(small)).toReversed()],
    ['>u4', bytes(Uint32Array.from(small)).toReversed()],
    ['>i8', bytes(BigInt64Array.from(small, BigInt)).toReversed()],
    ['>f2', bytes(Uint16Array.from([0x3c00, 0, 0x4200, 0x3c00, 0x4000, 0x4000])).toReversed()],
    ['>f4', bytes(Float32Array.from(small)).toReversed()],
    ['>f8', bytes(Float64Array.from(small)).toReversed()],
  ])('.npy of %s', (descr, data) => {
    // The bytes of all numbers backwards are those of the numbers backwards, each in the other byte order.
    const [first, last] = descr.startsWith('>') ? [small.toReversed(), true] : [small, false];
    const cwd = folderWith('w.npy', npy(descr, [3, 2], data));
    const { code, stdout, stderr } = heed(['heatmap', 'w.npy'], { cwd });
    expect({ code, stderr, last }).toEqual({ code: 0, stderr: '', last });
    const shown = [...stdout.matchAll(/(\d\.\d\d|·)(?=\S? |\S?$)/gm)].map(([, text]) =>
      text === '·' ? 0 : Number(text),
    );
    expect(shown.slice(0, 6)).toEqual(first);
  });

  test('.npy in the order of Fortran, of integers and booleans', () => {
    const columns = new Int32Array([1, 2, 3, 4, 5, 6]);
    const cwd = folderWith('w.npy', npy('<i4', [3, 2], bytes(columns), true));
    expect(heed(['heatmap', 'w.npy'], { cwd }).stdout).toMatch(/1\.00\S? +4\.00[\s\S]*2\.00\S? +5\.00/);
    writeFileSync(path.join(cwd, 'b.npy'), npy('|b1', [1, 2], new Uint8Array([1, 0])));
    expect(heed(['heatmap', 'b.npy'], { cwd }).stdout).toMatch(/1\.00\S? +·/);
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

  test('.npz: a member that cannot be read harms no other, packed or not', () => {
    const other = {
      'a.npy': npy('<c8', [3], bytes(weights)),
      'attn.npy': npy('<f4', [3, 2], bytes(weights)),
    };
    for (const level of [0, 6] as const) {
      const cwd = folderWith('w.npz', zipSync(other, { level }));
      expect(heed(['heatmap', 'w.npz', '--tensor', 'attn'], { cwd }).stdout).toContain('.750');
      expect(heed(['heatmap', 'w.npz', '--tensor', 'a'], { cwd }).stderr).toContain('w.npz: a.npy holds <c8');
      expect(heed(['heatmap', 'w.npz'], { cwd }).stdout).toContain('w.npz: attn');
    }
  });

  test('.safetensors: a tensor of a type that is not read harms no other', () => {
    const one = { dtype: 'F4', shape: [4], data_offsets: [0, 2] };
    const header = JSON.stringify({ odd: one, attn: { dtype: 'F32', shape: [1, 1], data_offsets: [2, 6] } });
    const data = [...little(8, header.length), ...new TextEncoder().encode(header), 0, 0];
    const cwd = folderWith('w.safetensors', Uint8Array.from([...data, ...bytes(new Float32Array([0.75]))]));
    expect(heed(['heatmap', 'w.safetensors'], { cwd }).stdout).toContain('.750');
    expect(heed(['heatmap', 'w.safetensors', '--tensor', 'odd'], { cwd }).code).toBe(2);
  });

  const HUGE = 3 * 2 ** 30;
  test('over 2 GiB: what is not drawn is not read', () => {
    const cwd = folderOf({});
    const at = (name: string): string => path.join(cwd, name);
    const last = bytes(new Float32Array([0.25, 0.75]));
    const safe = JSON.stringify({
      huge: { dtype: 'U8', shape: [HUGE], data_offsets: [0, HUGE] },
      attn: { dtype: 'F32', shape: [1, 2], data_offsets: [HUGE, HUGE + 8] },
    });
    const start = 8 + safe.length;
    writePieces(at('w.safetensors'), start + HUGE + 8, [
      [0, Uint8Array.from([...little(8, safe.length), ...new TextEncoder().encode(safe)])],
      [start + HUGE, last],
    ]);
    const stack = npy('<f4', [HUGE / 8, 1, 1, 1, 2], new Uint8Array(0));
    writePieces(at('w.npy'), stack.length + HUGE, [
      [0, stack],
      [stack.length + HUGE - 8, last],
    ]);
    writeLargeNpz(at('w.npz'), HUGE, npy('<f4', [1, 2], last));
    for (const words of [
      ['w.safetensors', '--tensor', 'attn'],
      ['w.npy', '--layer', String(HUGE / 8 - 1)],
      ['w.npz', '--tensor', 'attn'],
    ]) {
      const { code, stdout, stderr } = heed(['heatmap', ...words], { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/\.250\S? +\.750/);
    }
  });

  test('a stack of layers: one of them, or the rollout of all', () => {
    const layers = new Float32Array([1, 0, 0, 1, 0, 1, 1, 0]);
    const cwd = folderWith('w.npy', npy('<f4', [2, 1, 1, 2, 2], bytes(layers)));
    expect(heed(['heatmap', 'w.npy', '--layer', '0'], { cwd }).stdout).toMatch(
      /^w\.npy: w, layer 0\n[\s\S]*1\.00\S? +·/,
    );
    expect(heed(['heatmap', 'w.npy', '--layer', '1', '--head', '0'], { cwd }).stdout).toMatch(
      /^w\.npy: w, layer 1, head 0\n[\s\S]*· +1\.00/,
    );
    expect(heed(['heatmap', 'w.npy', '--rollout'], { cwd }).stdout).toMatch(
      /^w\.npy: rollout of w\n[\s\S]*\.500\S? +\.500/,
    );
    for (const [words, message] of [
      [[], /--layer is missing; w has 2 layers/],
      [['--layer', '2'], /layer is 2; the tensor has N=2/],
      [['--layer', '0', '--batch', '1'], /batch is 1; the tensor has B=1/],
    ] as const) {
      const { code, stderr } = heed(['heatmap', 'w.npy', ...words], { cwd });
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });

  test('stacks of queries and keys: one layer', () => {
    const query: [number[], Float32Array] = [[2, 1, 1, 1, 1], new Float32Array([0, Math.LN2])];
    const key: [number[], Float32Array] = [[2, 1, 1, 2, 1], new Float32Array([1, 2, 0, 1])];
    const cwd = folderWith('qk.safetensors', safetensors({ query, key }));
    expect(heed(['heatmap', 'qk.safetensors', '--layer', '1'], { cwd }).stdout).toMatch(/\.333\S? +\.667/);
    expect(heed(['heatmap', 'qk.safetensors'], { cwd }).stderr).toContain(
      '--layer is missing; query has 2 layers',
    );
  });

  test('one element of the batch, and one head of it', () => {
    const all = Float32Array.from({ length: 2 * 3 * 2 }, (_, n) => n / 100);
    const cwd = folderWith('w.npy', npy('<f4', [2, 3, 1, 2], bytes(all)));
    expect(heed(['heatmap', 'w.npy', '--batch', '1', '--head', '2'], { cwd }).stdout).toMatch(
      /^w\.npy: w, batch 1, head 2\n[\s\S]*\.100\S? +\.110/,
    );
    expect(heed(['heatmap', 'w.npy', '--batch', '1', '--head', 'mean'], { cwd }).stdout).toMatch(
      /\.080\S? +\.090/,
    );
    expect(heed(['heatmap', 'w.npy', '--head', '0'], { cwd }).code).toBe(2);
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
    expect(stderr).toContain('leave out --tokens');
  });

  test('.json: numbers that JSON has not, as strings', () => {
    const cwd = folderOf({ 'w.json': '{"weights":[["NaN","-Infinity"],[1,"Infinity"]]}' });
    expect(heed(['heatmap', 'w.json'], { cwd }).stdout).toMatch(/NaN +−∞[^]*1\.00.* ∞/);
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
    expect(causal.stdout).toContain('cases.json: a, causal');
    expect(causal.stdout).toMatch(/1\.00\S? +·[\s\S]*\.500\S? +\.500/);
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

  test('rows and columns have tokens of their own', () => {
    const cwd = folderOf({
      ...files,
      'rows.txt': 'Ufer\n',
      'columns.json': '["the", "bank"]',
      'own.json': JSON.stringify({
        weights: [[0.25, 0.75]],
        queryTokens: ['Ufer'],
        keyTokens: ['the', 'bank'],
      }),
    });
    const words = ['heatmap', 'w.json', '--query-tokens', 'rows.txt', '--key-tokens', 'columns.json'];
    for (const asked of [words, ['heatmap', 'own.json']]) {
      expect(heed(asked, { cwd }).stdout).toMatch(/the +bank[\s\S]*Ufer +\.250/);
    }
    expect(heed([...words, '--tokens', 'rows.txt'], { cwd }).stderr).toContain('cannot be used');
    expect(heed(['heatmap', 'w.json', '--key-tokens', 'rows.txt'], { cwd }).stderr).toContain(
      'columns has 1',
    );
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
    [['w.json', '--case', 'a'], /unknown case a\. The file has no case/, /leave out --case/],
    [['cases.json', '--case', 'b'], /unknown case b\. The file has a\n/, /choose one of them with --case/],
    [['cases.json', '--tensor', 'a'], /unknown tensor a\. The file has no tensor/, /leave out --tensor/],
    [
      ['w.json', '--tensor', 'foo'],
      /unknown tensor foo\. The file has weights\n/,
      /one of them with --tensor/,
    ],
    [['w.json', '--backend', 'ts'], /--backend requires queries and keys; w\.json holds weights/],
    [['w.json', '--theme', 'dark'], /--theme requires --out/],
    [['w.json', '--domain', ',5'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,Infinity'], /expected LOW,HIGH/],
    [['w.json', '--domain', '0,1,2'], /expected LOW,HIGH/],
    [['w.json', '--tokens', 'bad.json'], /bad\.json is not a JSON list of tokens/, /→ write them as/],
    [['w.json', '--tokens', 'w.json'], /w\.json is not a JSON list of tokens: it is \{"weights"/],
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
    ['another kind of file', 'x.txt', '', ['x.txt'], 'x.txt has an unknown format'],
    ['no .npy', 'x.npy', 'hello, this is text', ['x.npy'], 'is not a .npy file'],
    ['a .npy that ends early', 'x.npy', good.slice(0, -1) as never, ['x.npy'], 'needs 24 bytes'],
    ['another type', 'x.npy', npy('<c8', [3], bytes(weights)) as never, ['x.npy'], 'holds <c8'],
    [
      'a byte order that is none',
      'x.npy',
      npy('?f4', [3, 2], bytes(weights)) as never,
      ['x.npy'],
      'holds ?f4',
    ],
    [
      'six axes',
      'x.npy',
      npy('<f4', [1, 1, 1, 1, 3, 2], bytes(weights)) as never,
      ['x.npy'],
      'expected [Lq, Lk]',
    ],
    ['one axis', 'x.npy', npy('<f4', [6], bytes(weights)) as never, ['x.npy'], 'expected [Lq, Lk]'],
    ['no .npz', 'x.npz', 'hello', ['x.npz'], 'x.npz has no directory of its members'],
    [
      'a .npz that ends early',
      'x.npz',
      zipSync({ 'a.npy': good }).slice(0, -30) as never,
      ['x.npz'],
      'x.npz',
    ],
    [
      'a packed member that is damaged',
      'x.npz',
      zipSync({ 'a.npy': good }).map((byte, at) => (at > 40 && at < 60 ? 255 : byte)) as never,
      ['x.npz'],
      'x.npz: a.npy cannot be unpacked',
    ],
    ['an empty .npz', 'x.npz', zipSync({}), ['x.npz'], 'nothing that can be drawn'],
    ['no .safetensors', 'x.safetensors', 'hello', ['x.safetensors'], ''],
    ['weights under another name', 'x.json', '{"weight":[[1,2]]}', ['x.json'], '"weights"'],
    ['rows without a name', 'x.json', '[[1,2]]', ['x.json'], '"weights"'],
    ['weights that are not a list', 'x.json', '{"weights":3}', ['x.json'], 'not a list of rows'],
    [
      'tokens that are not a list',
      'x.json',
      '{"weights":[[1,2]],"tokens":"ab"}',
      ['x.json'],
      'tokens is not',
    ],
    ['no JSON', 'x.json', '{"weights":', ['x.json'], 'is not JSON'],
    ['ragged rows', 'x.json', '{"weights":[[1,2],[3]]}', ['x.json'], 'all of one length'],
    [
      'ragged rows, as many numbers as a matrix',
      'x.json',
      '{"weights":[[1,2],[3],[4,5,6]]}',
      ['x.json'],
      'all of one length',
    ],
    [
      'lists in lists without end',
      'x.json',
      `{"weights":${'['.repeat(9000)}1${']'.repeat(9000)}}`,
      ['x.json'],
      'all of one length',
    ],
    [
      'too few tokens',
      'x.json',
      '{"weights":[[1,2]],"tokens":["a","b","c"]}',
      ['x.json'],
      'tokens has 3 entries',
    ],
    ['a head that is not there', 'x.npy', good, ['x.npy', '--head', '1'], 'head is 1'],
    ['a format that is none', 'x.npy', good, ['x.npy', '--out', 'x.gif'], '.svg'],
    ['a folder that is none', 'x.npy', good, ['x.npy', '--out', 'no/such/x.svg'], 'cannot be written'],
    [
      'a .safetensors of tensors that overlap',
      'x.safetensors',
      safetensorsOf({ a: { ...MATRIX, data_offsets: [0, 8] }, b: { ...MATRIX, data_offsets: [4, 12] } }, 12),
      ['x.safetensors', '--tensor', 'a'],
      '"b" begins at byte 4 of the numbers; expected 8',
    ],
    [
      'a .safetensors that says a name twice',
      'x.safetensors',
      safetensorsOf(
        '{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}',
        4,
      ),
      ['x.safetensors'],
      'the header says "a" twice',
    ],
    [
      'a .safetensors with numbers that no tensor has',
      'x.safetensors',
      safetensorsOf({ a: { ...MATRIX, data_offsets: [0, 8] } }, 12),
      ['x.safetensors'],
      'the tensors take 8 bytes, the file has 12',
    ],
  ])('%s', (_, name, data, words, message) => {
    const cwd = folderOf({});
    writeFileSync(path.join(cwd, name), data);
    const { code, stderr, stdout } = heed(['heatmap', ...words], { cwd });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  test('a place that cannot be written is refused before anything is computed, or written', () => {
    const one: [number[], Float32Array] = [[1, 1], new Float32Array([1])];
    const cwd = folderWith('qk.safetensors', safetensors({ query: one, key: one }));
    const words = ['heatmap', 'qk.safetensors', '--backend', moduleFile('throwsInCreate')];
    const { code, stderr } = heed([...words, '--out', 'good.svg', '--out', 'no/such/x.svg'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: no\/such\/x\.svg cannot be written: .*\n {2}→ give --out a file/);
    expect(readdirSync(cwd)).toEqual(['qk.safetensors']);
  });
});
