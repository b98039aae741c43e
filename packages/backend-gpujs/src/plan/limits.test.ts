import type { AttentionProblem } from '@heed/core';
import { resolveRequest, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import gpujs from '../index.ts';
import { absenceOf } from '../test/absence-of.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();

const small = resolveRequest({
  query: tensor(new Float32Array(1), [1, 1, 1, 1]),
  key: tensor(new Float32Array(1), [1, 1, 1, 1]),
  value: tensor(new Float32Array(1), [1, 1, 1, 1]),
}).problem;

test.each<[string, Partial<AttentionProblem>, string]>([
  ['2²⁸ elements of a tensor', { queryLength: 2 ** 18, headDim: 2 ** 11, valueDim: 1 }, 'shape'],
  ['524280 queries of a head', { queryLength: 600_000 }, 'shape'],
  [
    '524280 queries of all heads, one after another',
    { layout: 'blhd', heads: 8, queryLength: 80_000 },
    'shape',
  ],
  ['2²⁸ weights', { queryLength: 2 ** 15, keyLength: 2 ** 14, outputs: ['weights'] }, 'weights'],
])('more than %s is refused with the clause', async (_, lengths, clause) => {
  const backend = await gpujs.create({ mode: 'cpu' });
  expect(backend.supports(small)).toEqual({ supported: true });
  expect(backend.supports({ ...small, ...lengths })).toMatchObject({ supported: false, clause });
  await backend.dispose();
});

const absence = await absenceOf('webgpu');

test.skipIf(absence !== null)(
  `weights of more than 2¹⁹ rows: in tiles without a GPU ${absence ?? ''}`,
  async () => {
    const problem: AttentionProblem = {
      ...small,
      heads: 8,
      kvHeads: 8,
      queryLength: 80_000,
      outputs: ['weights'],
    };
    const cpu = await gpujs.create({ mode: 'cpu' });
    expect(cpu.supports(problem)).toEqual({ supported: true });
    await cpu.dispose();
    const webgpu = await gpujs.create({ mode: 'webgpu' });
    expect(webgpu.supports(problem)).toMatchObject({ supported: false, clause: 'weights' });
    await webgpu.dispose();
  },
);
