import { type AttentionBackend, type FloatDType, type Tensor, cast } from '@heed/core';
import { type SlicePosition, defineBackend, featuresOf, writeSlices } from '@heed/core/backend';
import reference from '@heed/core/reference';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AgreementCase, ConformanceCase, SequenceCase } from '../case.ts';
import { runCase } from '../run-case.ts';
import { bundledCases } from './bundled-cases.ts';

let cases: readonly ConformanceCase[];
beforeAll(async () => {
  ({ cases } = await bundledCases());
});

function byId(id: string): ConformanceCase {
  return cases.find((theCase) => theCase.id === id)!;
}

function expectedOf(id: string): string[] {
  return Object.keys((byId(id) as AgreementCase).expected!.values);
}

async function outcomes(backend: AttentionBackend, of: readonly ConformanceCase[]): Promise<string[]> {
  const failures: string[] = [];
  for (const theCase of of) {
    const outcome = await runCase(theCase, { provider: reference, backend });
    if (outcome.status !== 'passed') failures.push(`${theCase.id}: ${outcome.status}`);
  }
  return failures;
}

describe('the cases that come with the suite', () => {
  test('are 87 from ONNX, 15 from the sentence model, 11 from torch, each with an id of its own', () => {
    const from = (source: string): number => cases.filter(({ id }) => id.startsWith(`${source}/`)).length;
    expect([from('onnx'), from('minilm'), from('torch'), cases.length]).toEqual([87, 15, 11, 113]);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(113);
  });

  test('agree with the float64 reference', async () => {
    expect(await outcomes(await reference.create(), cases)).toEqual([]);
  });

  test('gradients are expected of torch: of a bias, of grouped queries, of empty rows', () => {
    expect(expectedOf('torch/bias')).toEqual(['output', 'dQuery', 'dKey', 'dValue', 'dBias']);
    expect(expectedOf('torch/gqa')).toEqual(['output', 'dQuery', 'dKey', 'dValue']);
    expect(expectedOf('torch/empty-row')).toEqual(['output', 'dQuery', 'dKey', 'dValue']);
  });

  test('requests are fresh: what a backend writes into one is not in the next', () => {
    for (const theCase of cases) {
      if (theCase.kind !== 'agreement') continue;
      const first = theCase.request().query as Tensor;
      const before = first.data[0];
      first.data.fill(NaN);
      expect((theCase.request().query as Tensor).data[0]).toBe(before);
    }
  });

  test('a wrong expected value is seen in every one of them', async () => {
    const backend = await reference.create();
    const wrong = (cases.filter(({ kind }) => kind === 'agreement') as AgreementCase[]).map((theCase) =>
      spoilt(theCase),
    );
    expect(await outcomes(backend, wrong)).toHaveLength(wrong.length);
  });
});

/** The last element of the last expected value is off by a thousandth, or by more where it is rounded to halves. */
function spoilt(theCase: AgreementCase): AgreementCase {
  const { values, tolerance, source } = theCase.expected!;
  const [name, value] = Object.entries(values).at(-1)!;
  const { shape, data } = cast(value, 'float64');
  const spoiled = data.slice();
  spoiled[data.length - 1]! += 0.001 + 10 * tolerance;
  const changed = cast({ dtype: 'float64', shape, data: spoiled }, value.dtype as FloatDType);
  const expected = { source, tolerance, values: { ...values, [name]: changed } };
  return { ...theCase, expected };
}

describe('decoding on a cache, from torch', () => {
  test('needs the features that it uses', () => {
    const { problem } = byId('torch/decoding') as SequenceCase;
    expect(featuresOf(problem)).toEqual(['gqa', 'alignment.bottomRight', 'causal', 'lengths.key']);
  });

  test.each<[string, (target: Tensor, part: Tensor, at: SlicePosition) => void]>([
    ['writes nothing', () => undefined],
    [
      'writes a row too early',
      (target, part, at) => writeSlices(target, part, { ...at, start: (at.start as number) - 1 }),
    ],
  ])('catches a cache that %s', async (_name, write) => {
    const right = await reference.create();
    const faulty = defineBackend({
      name: 'faulty',
      device: right.device,
      capabilities: right.capabilities,
      async compile(problem) {
        const kernel = await right.compile(problem);
        return { plan: kernel.plan, run: (inputs) => kernel.run(inputs) };
      },
      memory: {
        upload: (given) => structuredClone(given),
        download: (held) => structuredClone(held),
        write(target, part, at) {
          write(target, part, at);
          return target;
        },
        free: () => undefined,
      },
    });
    const outcome = await runCase(byId('torch/decoding'), { provider: reference, backend: faulty });
    expect(outcome).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('steps[0]: output['),
    });
  });

  test('compiles once', async () => {
    const backend = await reference.create();
    let compiled = 0;
    const counting: AttentionBackend = {
      ...backend,
      compile: (problem) => {
        compiled++;
        return backend.compile(problem);
      },
    };
    expect(await outcomes(counting, [byId('torch/decoding')])).toEqual([]);
    expect(compiled).toBe(1);
  });
});
