import { HeedError } from '@heed/core';
import { expect, test } from 'vitest';
import { joinResults } from './join.ts';
import { sampleResults } from '../test/sample-results.ts';

const short = sampleResults({ lengths: [128, 256, 512] });
const long = sampleResults({ lengths: [1024, 2048, 4096, 8192] });

test('parts are what the whole would have been', () => {
  const whole = sampleResults();
  const joined = joinResults([long, short]);
  const names = joined.workloads.map(({ workload }) => workload.name);
  expect([...names].sort()).toEqual(whole.workloads.map(({ workload }) => workload.name).sort());
  expect(joined.rows).toHaveLength(whole.rows.length);
  expect(joined.rows[0]!.workload).toBe('causal/128/h2');
  expect(
    joined.growth.find(({ contestant }) => contestant === '@tensorflow/tfjs-backend-cpu')!.exponent,
  ).toBeCloseTo(2, 1);
});

test('parts that do not belong together are refused', () => {
  expect(() => joinResults([])).toThrow(HeedError);
  expect(() => joinResults([short, short])).toThrow(
    /dense\/128\/h2 is in more than one|causal\/128\/h2 is in more than one/,
  );
  const other = { ...long, machine: { ...long.machine, node: '26.0.0' } };
  expect(() => joinResults([short, other])).toThrow(/results differ in machine/);
});
