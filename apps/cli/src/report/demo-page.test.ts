import type { Row } from '@heed/benchmarks';
import { describe, expect, test } from 'vitest';
import type { Demo } from '../demo/run-demo.ts';
import { demoPage } from './demo-page.ts';

const HOSTILE = `<script>alert('1')</script>"&amp;`;

const row = (contestant: string, length: number, medianMs: number | null): Row => ({
  workload: `dense/${length}`,
  contestant,
  device: HOSTILE,
  threads: 1,
  length,
  medianMs,
  quartilesMs: null,
  peakBytes: null,
  growthBytes: null,
  samplesMs: [],
  gflops: null,
  ratio: medianMs && 1,
  status: medianMs === null ? 'failed' : 'measured',
  ...(medianMs === null && { reason: HOSTILE }),
  roundsMs: [],
  undisturbedMs: [],
});

/** A demo whose texts are all hostile, and whose optional numbers are all missing. */
const demo: Demo = {
  machine: { cpu: HOSTILE, cores: 2, memoryBytes: 1, os: HOSTILE, node: '20', v8: '1' },
  backends: [
    {
      name: HOSTILE,
      specifier: HOSTILE,
      package: HOSTILE,
      version: HOSTILE,
      status: 'broken',
      device: null,
      capabilities: null,
      reason: HOSTILE,
      remedy: HOSTILE,
    },
  ],
  agreement: [
    {
      backend: HOSTILE,
      agrees: false,
      worst: { case: HOSTILE, tensor: 'output', error: null, bound: 0 },
      layers: [{ layer: 0, worst: { case: HOSTILE, tensor: 'output', error: null, bound: 0 } }],
      failures: [HOSTILE],
    },
  ],
  examplesBy: HOSTILE,
  examples: [
    {
      text: HOSTILE,
      tokens: [HOSTILE, 'b'],
      weights: [
        [1, 0],
        [NaN, 1],
      ],
      from: HOSTILE,
      to: 'b',
      weight: 0,
    },
  ],
  speed: {
    shape: HOSTILE,
    baseline: HOSTILE,
    rounds: 1,
    rows: [row(HOSTILE, 16, 1), row('b', 16, null), row(HOSTILE, 64, 0.25), row('b', 64, null)],
  },
};

describe('the page of a demo', () => {
  const page = demoPage(demo, new Date('2026-01-02'));

  test('keeps every text a text', () => {
    expect(page).not.toContain('<script');
    expect(page.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(15);
    expect(page).not.toMatch(/"&amp;"|"'/);
  });

  test('says what failed, and shows no number that is not there', () => {
    expect(page).toContain('failed: ');
    expect(page).not.toMatch(/undefined|\[object|>null</);
  });

  test('opens and closes its elements', () => {
    const elements = ['section', 'table', 'tr', 'td', 'th', 'div', 'figure', 'svg', 'span', 'p'];
    const unbalanced = elements.filter(
      (name) => page.split(`</${name}>`).length !== page.split(new RegExp(`<${name}[ >]`)).length,
    );
    expect(unbalanced).toEqual([]);
  });
});
