import path from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { entryPoints, isSelfContained } from './projects/everyday.ts';
import { projectAt } from './projects/project.ts';
import { ROOT } from './run.ts';

const project = projectAt(inject('world'), inject('everyday'));
const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');

/** The oldest supported, the last before generic typed arrays were checked for blobs, and this repository's. */
const COMPILERS = {
  '5.4': path.join(import.meta.dirname, '../node_modules/typescript-5.4/bin/tsc'),
  '5.9': path.join(import.meta.dirname, '../node_modules/typescript-5.9/bin/tsc'),
  newest: tsc,
};

const entries = inject('packages').filter(isSelfContained).flatMap(entryPoints);
const IMPORTS = entries.map((entry, n) => `import type * as entry${n} from '${entry}';`).join('\n');
const USE = `${IMPORTS}
import { type BackendProvider, attention, tensor } from '@heed/core';
import ts from '@heed/backend-ts';

const provider: BackendProvider<never> = ts;
const backend = await provider.create();
const x = tensor(new Float32Array(4), [1, 1, 2, 2]);
const { weights, output } = await attention(backend, { query: x, key: x, value: x, weights: true });
export const numbers: readonly number[] = [...weights.data, ...output.data];
// @ts-expect-error: logSumExp was not asked for
export const other = (await attention(backend, { query: x, key: x, value: x })).logSumExp;
${entries.map((_, n) => `export type Entry${n} = keyof typeof entry${n};`).join('\n')}
`;

test.each([
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
] as const)('types resolve under moduleResolution %s', async (moduleResolution, module) => {
  project.write(`types-${moduleResolution}/use.ts`, USE);
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    types: [],
    skipLibCheck: true,
    noEmit: true,
    module,
    moduleResolution,
  };
  project.write(
    `types-${moduleResolution}/tsconfig.json`,
    JSON.stringify({ compilerOptions, files: ['use.ts'] }),
  );
  const { code, stdout } = await project.outcome('node', tsc, '-p', `types-${moduleResolution}`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
});

const EVERYDAY = `
import { type AttentionRequest, attention, tensor } from '@heed/core';
import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import { heatmap } from '@heed/heatmap';
import { toPNG } from '@heed/heatmap/png';
import { Linear, MultiHeadAttention, SpatialAttention } from '@heed/layers';
import type { Capture } from '@heed/models';

await using backend = await ts.create();
const x = tensor(new Float32Array(4), [1, 1, 2, 2]);
const { output, weights } = await attention(backend, { query: x, key: x, value: x, weights: true });

// Flags whose values the compiler does not know.
export async function flags(gradient: boolean, resident: boolean) {
  const results = await attention(backend, { query: x, key: x, value: x, gradient }, { resident });
  return results.gradient?.(x);
}
// A request that was put together elsewhere.
export const outputOf = async (request: AttentionRequest) => (await attention(backend, request)).output;
// Options that may be there.
export const some = async (causal?: boolean, left?: number, signal?: AbortSignal, head?: number, bias?: boolean) => {
  await using own = await wasm.create({ threads: left });
  const request = { query: x, key: x, value: x, weights: true, causal, window: { left } } as const;
  const seen = await attention(own, request, { signal });
  return [heatmap(seen.weights, { head }), new Linear({ inputDim: 2, outputDim: 2, bias })];
};
// Inputs that may be there, and parts to capture.
const grid = new SpatialAttention({ grid: [2], channels: 2, heads: 1 });
export const places = (gridMask?: boolean[][]) => grid.forward(backend, { input: [[[1, 2], [3, 4]]], gridMask });
export const part = (heads?: readonly number[]): Capture => ({ layer: 0, heads, what: 'weights' });
// Layers and pictures accept results as they are.
const layer = new MultiHeadAttention({ embedDim: 2, heads: 1 });
export const next = await layer.forward(backend, { query: { ...output, shape: [1, 2, 2] } });
export const projected = new Linear({ inputDim: 2, outputDim: 2 }).forward(output);
export const file = new Blob([await toPNG(heatmap(weights))]);
`;

describe.each(Object.entries(COMPILERS))('TypeScript %s, without the types of Node', (version, compiler) => {
  test.each([
    ['and of disposable things', ['es2023', 'dom'], false],
    ['libraries checked', ['es2023', 'esnext.disposable', 'dom'], false],
    ['libraries not checked', ['es2023', 'dom'], true],
  ] as const)('compiles everyday code: %s', async (name, lib, skipLibCheck) => {
    const folder = `everyday-${version}-${name.replaceAll(' ', '-')}`;
    project.write(`${folder}/use.ts`, EVERYDAY);
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: 'es2022',
      lib,
      types: [],
      skipLibCheck,
      noEmit: true,
      module: 'esnext',
      moduleResolution: 'bundler',
    };
    project.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const { code, stdout } = await project.outcome('node', compiler, '-p', folder);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});
