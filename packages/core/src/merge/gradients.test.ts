import { describe, expect, test } from 'vitest';
import {
  type GradientPart,
  HeedError,
  attention,
  cast,
  mergeAttention,
  mergeGradients,
  tensor,
} from '../index.ts';
import reference from '../reference/index.ts';

const backend = await reference.create();
const numbers = (shape: readonly number[], by: number) =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(by * (n + 1))),
    [...shape],
  );
const query = numbers([1, 2, 3, 4], 1);
const dOutput = numbers([1, 2, 3, 4], 5);

async function part(start: number, length: number) {
  const key = numbers([1, 2, length, 4], 2 + start);
  const bias = numbers([3, length], 7 + start);
  const results = await attention(backend, { query, key, value: key, bias, gradient: true });
  return { ...results, start };
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'merged';
  } catch (error) {
    return HeedError.isInstance(error) ? error.code : String(error);
  }
}

describe('merging gradients', async () => {
  const parts = [await part(0, 2), await part(2, 1), await part(3, 4)];
  const whole = mergeAttention(parts);
  const gradients: GradientPart[] = [];
  for (const { gradient, start } of parts) gradients.push({ ...(await gradient(dOutput, { whole })), start });
  const biasShape = [3, 7];

  test('does not depend on the order of the parts, to the last bit', () => {
    const merged = mergeGradients(gradients, { biasShape });
    expect(mergeGradients(gradients.toReversed(), { biasShape })).toEqual(merged);
    expect(merged.dKey!.shape).toEqual([1, 2, 7, 4]);
    expect(merged.dBias!.shape).toEqual(biasShape);
  });

  test('leaves out what the parts leave out', () => {
    const queries = gradients.map(({ dQuery }) => ({ dQuery }));
    expect(Object.keys(mergeGradients(queries))).toEqual(['dQuery']);
  });

  test('without the whole a part is on its own', async () => {
    const alone = await parts[0]!.gradient(dOutput);
    expect(alone.dQuery).not.toEqual(gradients[0]!.dQuery);
    // One part is the whole.
    const same = await parts[0]!.gradient(dOutput, { whole: parts[0]! });
    for (const [n, number] of alone.dQuery.data.entries())
      expect(same.dQuery.data[n]).toBeCloseTo(number, 14);
  });

  test('what cannot be merged is refused with a code', () => {
    const [first, second] = gradients as [GradientPart, GradientPart];
    const { start: _, ...unplaced } = first;
    const { dKey: __, ...keyless } = first;
    expect(codeOf(() => mergeGradients([first, second], { biasShape }))).toBe('merged');
    expect(codeOf(() => mergeGradients([]))).toBe('ARGUMENT');
    expect(codeOf(() => mergeGradients([first, second]))).toBe('ARGUMENT');
    expect(codeOf(() => mergeGradients([unplaced, second], { biasShape }))).toBe('ARGUMENT');
    expect(codeOf(() => mergeGradients([keyless, second], { biasShape }))).toBe('ARGUMENT');
    expect(codeOf(() => mergeGradients([{ ...first, start: 6 }, second], { biasShape }))).toBe('SHAPE');
    expect(codeOf(() => mergeGradients([first, { ...second, dQuery: [[[[1]]]] }], { biasShape }))).toBe(
      'SHAPE',
    );
    expect(codeOf(() => mergeGradients([first], { biasSHape: biasShape } as never))).toBe('UNKNOWN_OPTION');
  });
});

test('weights and choices need their starts, in every part', async () => {
  const key = numbers([1, 2, 3, 4], 3);
  const hard = await attention(backend, {
    query,
    key,
    value: key,
    selection: 'argmax',
    choice: true,
    weights: true,
    statistics: true,
  });
  const { choice, ...unchosen } = { ...hard, start: 0 };
  expect(mergeAttention([{ ...hard, start: 0 }]).choice).toEqual(choice);
  expect(codeOf(() => mergeAttention([hard]))).toBe('ARGUMENT');
  expect(codeOf(() => mergeAttention([{ ...hard, start: -1 }]))).toBe('ARGUMENT');
  expect(
    codeOf(() =>
      mergeAttention([
        { ...hard, start: 0 },
        { ...unchosen, start: 3 },
      ] as never),
    ),
  ).toBe('ARGUMENT');
  const soft = await attention(backend, { query, key, value: key, statistics: true });
  expect(codeOf(() => mergeAttention([{ ...soft, start: 0 }, soft]))).toBe('ARGUMENT');
});

test('results of 16 bits have no gradient of a part', async () => {
  const half = cast(tensor(new Float32Array([1]), [1, 1, 1, 1]), 'float16');
  const result = await attention(backend, { query: half, key: half, value: half, gradient: true });
  await expect(result.gradient(half, { whole: result })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
