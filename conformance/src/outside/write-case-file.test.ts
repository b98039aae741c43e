import { deepStrictEqual } from 'node:assert/strict';
import { FEATURES, type Tensor, resolveRequest, tensor } from '@heed/core';
import type { CaseRequest } from '../case-request.ts';
import reference from '@heed/core/reference';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgreementCase } from '../case.ts';
import { arbitraryInput } from '../fuzz/arbitrary-sketch.ts';
import { runCase } from '../run-case.ts';
import { dOutputOf, lengthsOf, requestOf } from '../sketch.ts';
import { parseCases } from './parse-cases.ts';
import { referenceValues } from './reference-values.ts';
import { caseFile } from './write-case-file.ts';

const everything = { dtypes: ['float32', 'float64'], features: FEATURES, guarantees: [] } as const;

/** Any problem, as long as it is small: files get long. */
const arbitraryCase = arbitraryInput(everything)
  .filter(({ sketch }) => {
    const { batch, heads, queryLength, keyLength, headDim, valueDim } = lengthsOf(sketch);
    return batch * heads * (queryLength + keyLength) * (headDim + valueDim) < 4000;
  })
  .map(({ sketch, seed }): AgreementCase =>
    Object.assign(
      {
        kind: 'agreement' as const,
        id: `random/${seed}`,
        clause: 'accuracy',
        request: () => requestOf(sketch, seed),
      },
      sketch.gradient && { dOutput: () => dOutputOf(sketch, seed) },
    ),
  );

function readBack(text: string): AgreementCase[] {
  return parseCases(text, 'written.json').cases as AgreementCase[];
}

function handMade(request: CaseRequest, values: Record<string, Tensor>): AgreementCase {
  const expected = { source: 'me', tolerance: 0.5, values };
  return { kind: 'agreement', id: 'a', clause: 'order', request: () => request, expected };
}

describe('a written case', () => {
  test('is read back as it was, whatever its problem', () => {
    fc.assert(
      fc.property(arbitraryCase, (written) => {
        const [read] = readBack(caseFile('the reference', [written]));
        expect(read).toMatchObject({ kind: 'agreement', id: written.id, clause: written.clause });
        const expected = { source: 'the reference', tolerance: 0, values: referenceValues(written) };
        // Not expect().toEqual, which takes long over arrays of numbers.
        deepStrictEqual(resolveRequest(read!.request()), resolveRequest(written.request()));
        deepStrictEqual(read!.dOutput?.(), written.dOutput?.());
        deepStrictEqual(read!.expected, expected);
      }),
      { numRuns: 300 },
    );
  });

  test('is judged as it was', async () => {
    const backend = await reference.create();
    const subject = { provider: reference, backend };
    await fc.assert(
      fc.asyncProperty(arbitraryCase, async (written) => {
        const [read] = readBack(caseFile('the reference', [written]));
        expect(await runCase(read!, subject)).toMatchObject({ status: 'passed' });
      }),
      { numRuns: 60 },
    );
  });

  const x = tensor(new Float32Array([1, -0]), [1, 1, 2, 1]);
  test('keeps expected values and tolerance, −0, NaN and infinities', () => {
    const value = tensor(new Float32Array([NaN, -Infinity]), [1, 1, 2, 1]);
    const [read] = readBack(caseFile('me', [handMade({ query: x, key: x, value }, { output: x })]));
    expect((read!.request().query as Tensor).data).toEqual(new Float32Array([1, -0]));
    expect((read!.request().value as Tensor).data).toEqual(new Float32Array([NaN, -Infinity]));
    expect(read!.expected).toEqual({ source: 'me', tolerance: 0.5, values: { output: x } });
  });

  test('asks for what is expected, or is refused', () => {
    const request = { query: x, key: x, value: x };
    const asks = (more: Partial<CaseRequest>, names: readonly string[]) => () =>
      caseFile('me', [handMade({ ...request, ...more }, Object.fromEntries(names.map((name) => [name, x])))]);
    expect(asks({}, ['weights'])).toThrow(/case a asks for output; it expects weights/);
    expect(asks({ weights: true }, ['output'])).toThrow(/asks for output, weights/);
    expect(asks({ gradient: true }, ['output'])).toThrow(/asks for output and gradients/);
    expect(asks({ output: false, weights: true }, ['dQuery'])).toThrow(/asks for weights; it expects dQuery/);
  });

  test('has no resident tensors', async () => {
    const query = await (await reference.create()).upload(x);
    const write = (): string =>
      caseFile('me', [handMade({ query: query as never, key: x, value: x }, { output: x })]);
    expect(write).toThrow(/query is resident; expected a plain tensor/);
  });
});
