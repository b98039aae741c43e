import { type BackendProvider, HeedError } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { simpleProvider } from '../broken/simple-backend.ts';
import { lengthsOf } from '../sketch.ts';
import { verify } from '../verify.ts';
import { type FuzzReport, fuzz } from './fuzz.ts';

const causalOffByOne = simpleProvider({ steps: { causal: (key, position) => key < position } });
/** Runs until it finds the fault. */
const untilFound = (provider: BackendProvider, seed: number): Promise<FuzzReport> =>
  fuzz(provider, { seconds: 600, seed });

describe('a planted fault', () => {
  test('is found, and made small', async () => {
    const { disagreement } = await untilFound(causalOffByOne, 5);
    const { sketch } = disagreement!.input;
    const { batch, heads, queryLength, keyLength } = lengthsOf(sketch);
    expect(sketch.causal).toBe(true);
    expect(batch * heads * queryLength * keyLength).toBeLessThanOrEqual(4);
    for (const option of ['softcap', 'mask', 'bias', 'alibi', 'segments', 'sinks'] as const) {
      expect(sketch, option).not.toHaveProperty(option);
    }
  });

  test('is the same with the same seed', async () => {
    const [one, other] = [await untilFound(causalOffByOne, 6), await untilFound(causalOffByOne, 6)];
    expect({ ...other, seconds: 0 }).toEqual({
      ...one,
      seconds: 0,
      disagreement: { ...one.disagreement, case: expect.anything() },
    });
  });

  test('is a case of the suite, which a right backend passes', async () => {
    const { disagreement } = await untilFound(causalOffByOne, 7);
    const cases = [disagreement!.case];
    expect(await verify(causalOffByOne, { cases })).toMatchObject({ failed: 1 });
    expect(await verify(reference, { cases })).toMatchObject({ failed: 0, passed: 1 });
  });
});

test('a right backend has no disagreement; the problems are counted', async () => {
  const seen: number[] = [];
  const report = await fuzz(reference, { seconds: 1, onProgress: (problems) => seen.push(problems) });
  expect(report).toMatchObject({ name: 'reference', disagreement: null, problems: seen.length });
  expect(seen).toEqual(seen.map((_, index) => index + 1));
});

test('a backend that declares no feature at all has its problems, too', async () => {
  const provider = simpleProvider({ capabilities: { features: [], dtypes: ['float32'] } });
  const { disagreement, problems } = await fuzz(provider, { seconds: 0.3, seed: 1 });
  expect(disagreement).toBeNull();
  expect(problems).toBeGreaterThan(0);
});

test('a signal ends it', async () => {
  const abort = new AbortController();
  const onProgress = (problems: number): void => {
    if (problems === 3) abort.abort(new Error('enough'));
  };
  await expect(fuzz(reference, { seconds: 600, onProgress, signal: abort.signal })).rejects.toThrow('enough');
});

test('an absent engine is an error', async () => {
  const absent: BackendProvider = {
    ...reference,
    probe: async () => ({ available: false, reason: 'no engine', remedy: 'install it' }),
  };
  const error = await fuzz(absent, { seconds: 1 }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'UNAVAILABLE', remedy: 'install it' });
  expect(HeedError.isInstance(error)).toBe(true);
});
