import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { HeedError, resolveRequest } from '@heed/core';
import { type CaseRequest, askedBy } from '../case-request.ts';
import { numbersOf } from '@heed/core/backend';
import { referenceForward } from '@heed/core/reference';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AgreementCase } from '../case.ts';
import type { PlainInputs } from '../judge/naive-scores.ts';
import type { OnnxTest } from './onnx-test.ts';
import { parseCases } from './parse-cases.ts';
import type { ParsedCases } from './parsed-cases.ts';
import { type Json, mutated } from '../test/mutated-file.ts';

let tests: OnnxTest[];
let parsed: ParsedCases;
let cases: AgreementCase[];

beforeAll(async () => {
  const text = gunzipSync(
    await readFile(new URL('../../cases/onnx/attention.json.gz', import.meta.url)),
  ).toString();
  tests = JSON.parse(text) as OnnxTest[];
  parsed = parseCases(text, 'attention.json');
  cases = parsed.cases as AgreementCase[];
});

/** Largest difference between the expected values of a case and the float64 reference for a request. */
function errorOf({ expected }: AgreementCase, request: CaseRequest): number {
  const { problem, inputs } = resolveRequest(request);
  const reference = referenceForward(problem, inputs as PlainInputs);
  const errors = Object.entries(expected!.values).flatMap(([name, tensor]) => {
    const numbers = numbersOf(tensor);
    return Array.from(reference[name as 'output'].data, (value, n) => Math.abs(value - numbers[n]!));
  });
  return errors.reduce((a, b) => Math.max(a, b), 0);
}

describe('the tests of the ONNX operator Attention', () => {
  test('are all cases: 65 of opset 23, 11 of 24, 11 of 25', () => {
    const opsets = cases.map(({ expected }) => expected!.source.split(' ').at(-1));
    expect([23, 24, 25].map((opset) => opsets.filter((found) => found === String(opset)).length)).toEqual([
      65, 11, 11,
    ]);
  });

  test('Y is checked in each of them, weights wherever the test has them', () => {
    for (const [index, { outputs, attributes }] of tests.entries()) {
      const names = Object.keys(cases[index]!.expected!.values);
      expect(names).toEqual(
        attributes.qk_matmul_output_mode === 3 && outputs[3] ? ['output', 'weights'] : ['output'],
      );
      expect(askedBy(cases[index]!.request())).toEqual(names);
    }
    expect(cases.filter(({ expected }) => 'weights' in expected!.values)).toHaveLength(6);
  });

  test('every other output is listed as not covered, with its reason', () => {
    const listed = tests.flatMap(({ name, outputs, attributes }) =>
      ['present_key', 'present_value', `qk_matmul_output, mode ${attributes.qk_matmul_output_mode ?? 0}`]
        .filter((_, slot) => outputs[slot + 1] && !(slot === 2 && attributes.qk_matmul_output_mode === 3))
        .map((what) => [`onnx/${name}`, what]),
    );
    expect(parsed.notCovered.map(({ id, what }) => [id, what])).toEqual(listed);
    expect(listed).toHaveLength(54);
    expect(parsed.notCovered.every(({ reason }) => reason.length > 10)).toBe(true);
  });

  test('the float64 reference differs from them by their own rounding alone', () => {
    const errors = cases.map((theCase, index) => ({
      half: tests[index]!.outputs[0]!.dtype === 'float16',
      error: errorOf(theCase, theCase.request()),
      tolerance: theCase.expected!.tolerance,
    }));
    expect(errors.every(({ error, tolerance }) => error <= tolerance)).toBe(true);
    expect(Math.max(...errors.filter(({ half }) => !half).map(({ error }) => error))).toBeLessThan(1.2e-7);
    expect(errors.filter(({ half }) => half)).toHaveLength(5);
  });

  /** Each option is translated for a reason: with another translation, some test disagrees. */
  test.each<[string, (request: CaseRequest) => Partial<CaseRequest>]>([
    ['without causal', () => ({ causal: false })],
    ['without a window', () => ({ window: null })],
    [
      'with a window one narrower',
      ({ window }) => (window?.left ? { window: { ...window, left: window.left - 1 } } : {}),
    ],
    ['aligned to the upper left', () => ({ alignment: 'topLeft' })],
    ['aligned to the lower right', () => ({ alignment: 'bottomRight' })],
    ['without lengths', ({ alignment }) => (typeof alignment === 'string' ? { keyLengths: undefined } : {})],
    ['without a mask', () => ({ mask: undefined })],
    ['without a softcap', () => ({ softcap: null })],
    ['with the default scale', () => ({ scale: undefined })],
    [
      'with keys as values',
      ({ key, value }) => (key.shape.join() === value.shape.join() ? { value: key } : {}),
    ],
  ])('%s, some of them disagree', (_name, change) => {
    const disagree = cases.filter((theCase) => {
      const request = theCase.request();
      return errorOf(theCase, { ...request, ...change(request) }) > 10 * theCase.expected!.tolerance;
    });
    expect(disagree).not.toEqual([]);
  });

  test('an operator with modifiers is not covered, and says so', () => {
    const { cases: none, notCovered } = parseCases('{"op":"FlexAttention","name":"flex"}', 'flex.json');
    expect(none).toEqual([]);
    expect(notCovered).toEqual([
      { id: 'onnx/flex', what: 'FlexAttention', reason: expect.stringContaining('graphs') },
    ]);
  });

  test('an operator of the same name that is not in the standard is not covered', () => {
    const text = '{"op":"Attention","domain":"com.microsoft","name":"a"}';
    const { cases: none, notCovered } = parseCases(text, 'contrib.json');
    expect([none.length, notCovered[0]?.what]).toEqual([0, 'com.microsoft.Attention']);
  });

  test('a mutated test is a clear error or a case, never a crash', () => {
    const small = tests.filter(({ name }) =>
      /with_past_and_present$|local_window$|nonpad_decode$/.test(name),
    );
    expect(small.length).toBeGreaterThan(5);
    const file = fc.constantFrom(...small).chain((found) => mutated(found as unknown as Json));
    fc.assert(
      fc.property(file, (json) => {
        try {
          parseCases(JSON.stringify(json), 'mutated.json');
        } catch (error) {
          return HeedError.isInstance(error) && error.message.startsWith('mutated.json: ');
        }
        return true;
      }),
      { numRuns: 1000 },
    );
  });
});
