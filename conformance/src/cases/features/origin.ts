import { type HeedErrorCode, type Tensor, attention, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import { behavior, ensure, ensureError } from '../building/behavior.ts';
import type { Purposes } from '../building/purposes.ts';
import { slice } from '../guarantees/batch.ts';

export const originPurposes: Purposes = {
  origin: 'The noise of a part is that of its place in the whole.',
  'origin/part-of-the-whole': 'A part chooses what the whole chooses there.',
  'origin/mistake': 'An origin that cannot be is refused before anything is computed.',
};

export function originCases(): ConformanceCase[] {
  const sample: Sketch = { selection: 'sample', seed: 21, outputs: ['output', 'choice'], keyLength: 9 };
  const sketches: Record<string, Sketch> = {
    batch: { ...sample, origin: { batch: 3 } },
    head: { ...sample, origin: { head: 5 } },
    query: { ...sample, origin: { query: 7 } },
    key: { ...sample, origin: { key: 13 } },
    all: {
      ...sample,
      origin: { batch: 1, head: 2, query: 3, key: 6 },
      outputs: ['output', 'weights', 'choice'],
    },
    zero: { ...sample, origin: {} },
    large: {
      ...sample,
      origin: { batch: 2 ** 31 - 1, head: 2 ** 31 - 1, query: 2 ** 31 - 1, key: 2 ** 31 - 1 },
    },
    'many-keys': { ...sample, queryLength: 3, keyLength: 300, origin: { key: 127, query: 1 } },
    float64: { ...sample, dtype: 'float64', origin: { key: 2, query: 1 } },
    ring: { ...sample, ring: true, keyLengths: [30, 4], origin: { key: 5 } },
  };
  return [...agreements('origin', sketches), ...['keys', 'rows'].map(partOfWhole), ...mistakes()];
}

/** The chosen keys of a part: those of the whole where the whole chose in the part. */
function partOfWhole(kind: string): BehaviorCase {
  const sketch: Sketch = {
    selection: 'sample',
    seed: 9,
    batch: 3,
    heads: 4,
    queryLength: 6,
    keyLength: 20,
    spread: 0.1,
  };
  const needs: Sketch = { ...sketch, origin: {} };
  return behavior('origin', `part-of-the-whole/${kind}`, needs, async ({ backend }, id) => {
    const whole = { ...requestOf(sketch, id), choice: true } as CaseRequest;
    const run = async (request: CaseRequest): Promise<Tensor> => {
      const { problem, inputs } = resolveRequest(request);
      await using kernel = await backend.compile(problem);
      return (await kernel.run(inputs)).choice!;
    };
    const all = await run(whole);
    const cut = (tensor: Tensor, axis: number, from: number, to: number): Tensor =>
      slice(tensor, axis, from, to);
    if (kind === 'keys') {
      const part: CaseRequest = {
        ...whole,
        key: cut(whole.key, 2, 7, 20),
        value: cut(whole.value, 2, 7, 20),
        origin: { key: 7 },
      };
      const chosen = await run(part);
      let count = 0;
      all.data.forEach((j, n) => {
        if (j < 7) return;
        count++;
        ensure(
          chosen.data[n] === j - 7,
          `the part chooses ${chosen.data[n]! + 7} where the whole chooses ${j}`,
        );
      });
      ensure(count > 10, 'the whole chooses nothing of the part');
      return;
    }
    const rowsOf = (tensor: Tensor, rows: boolean): Tensor => {
      const part = cut(cut(tensor, 0, 1, 2), 1, 2, 4);
      return rows ? cut(part, 2, 3, 6) : part;
    };
    const chosen = await run({
      ...whole,
      query: rowsOf(whole.query, true),
      key: rowsOf(whole.key, false),
      value: rowsOf(whole.value, false),
      origin: { batch: 1, head: 2, query: 3 },
    });
    const expected = rowsOf(all, true);
    ensure(
      chosen.data.join() === expected.data.join(),
      `the part chooses ${chosen.data.join()}, the whole ${expected.data.join()}`,
    );
  });
}

function mistakes(): ConformanceCase[] {
  const sample: Sketch = { selection: 'sample', seed: 1 };
  const wrong: Record<string, readonly [HeedErrorCode, Sketch, object]> = {
    'without-sampling': ['ARGUMENT', {}, { origin: { key: 1 } }],
    negative: ['ARGUMENT', sample, { origin: { key: -1 } }],
    fraction: ['ARGUMENT', sample, { origin: { query: 0.5 } }],
    'too-large': ['ARGUMENT', sample, { origin: { batch: 2 ** 31 } }],
    'unknown-member': ['UNKNOWN_OPTION', sample, { origin: { keys: 1 } }],
    'not-an-object': ['ARGUMENT', sample, { origin: 4 }],
  };
  return Object.entries(wrong).map(([name, [code, sketch, more]]) =>
    behavior('origin', `mistake/${name}`, [], async ({ backend }, id) => {
      const request = { ...requestOf(sketch, id), ...more } as CaseRequest & { gradient?: false };
      await ensureError(() => attention(backend, request), code, name);
    }),
  );
}
