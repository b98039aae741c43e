import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { entryPoints, isSelfContained } from './projects/everyday.ts';
import { projectAt } from './projects/project.ts';
import { ROOT } from './run.ts';

const project = projectAt(inject('world'), inject('everyday'));
const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');

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
