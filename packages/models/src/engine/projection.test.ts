import ts from '@heed/backend-ts';
import { type AttentionBackend, type ResidentTensor, type Tensor, cast, tensor } from '@heed/core';
import { Linear } from '@heed/layers';
import { expect, test } from 'vitest';
import { Projection } from './projection.ts';

const [ROWS, IN, OUT] = [5, 32, 7];
const numbers = (shape: readonly number[], seed: number): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(seed + n)),
    shape,
  );
const [weight, bias, input] = [numbers([OUT, IN], 1), numbers([OUT], 2), numbers([ROWS, IN], 3)];

function expected(): Float32Array {
  const layer = new Linear({ inputDim: IN, outputDim: OUT, random: () => 0 });
  layer.loadStateDict({ weight, bias });
  return layer.forward(input).data as Float32Array;
}

/** The pure-TypeScript backend, whose `linear` is scalar, and the types of the weights that it was asked for. */
async function watched(): Promise<{ readonly backend: AttentionBackend; readonly asked: string[] }> {
  const backend = await ts.create();
  const asked: string[] = [];
  const linear = {
    ...backend.linear!,
    compile: (problem: Parameters<NonNullable<AttentionBackend['linear']>['compile']>[0]) => {
      asked.push(problem.weightType ?? 'float32');
      return backend.linear!.compile(problem);
    },
  };
  return { backend: { ...backend, linear }, asked };
}

test('a scalar linear is passed by, plain and resident inputs alike', async () => {
  const { backend, asked } = await watched();
  expect(backend.linear!.scalar).toBe(true);
  const projection = new Projection({ weight, bias });
  const right = expected();
  expect((await projection.forward(backend, input, {})).data).toEqual(right);
  const there = (await backend.upload(input)) as ResidentTensor<'float32'>;
  expect((await projection.forward(backend, there, {})).data).toEqual(right);
  expect(((await projection.stay(backend, there, {})) as Tensor).data).toEqual(right);
  there.dispose();
  expect(asked).toEqual([]);
  await backend.dispose();
});

test('stored weights keep their size there', async () => {
  const { backend, asked } = await watched();
  const half = cast(weight, 'float16') as Tensor<'float16'>;
  const { data } = await new Projection([{ weight: half, bias }]).forward(backend, input, {});
  expect(asked).toEqual(['float16']);
  const right = expected();
  data.forEach((x, n) => expect(Math.abs(x - right[n]!)).toBeLessThan(0.02));
  await backend.dispose();
});

test('a gate is the same on a backend that offers it, on one that does not, and of matrices of two types', async () => {
  const { backend } = await watched();
  const up = numbers([OUT, IN], 4);
  const half = cast(up, 'float16') as Tensor<'float16'>;
  const offered = { ...backend, linear: { ...backend.linear!, scalar: false } };
  const { operations } = backend.capabilities;
  const lacking = {
    ...offered,
    capabilities: {
      ...backend.capabilities,
      operations: operations!.filter((name) => name !== 'linear.gate'),
    },
  };
  const ofRow = (projected: readonly number[], n: number): number =>
    (projected[n]! / (1 + Math.exp(-projected[n]!))) * projected[OUT + n]!;
  for (const second of [up, half]) {
    const plain = new Projection([{ weight }, { weight: second }]);
    const sums = Array.from((await plain.forward(backend, input, {})).data);
    const projection = new Projection([{ weight }, { weight: second }], 'silu', true);
    expect(projection.outputDim).toBe(OUT);
    for (const place of [backend, offered, lacking]) {
      const { shape, data } = await projection.forward(place, input, {});
      expect(shape).toEqual([ROWS, OUT]);
      for (let row = 0; row < ROWS; row++) {
        const own = sums.slice(2 * row * OUT, 2 * (row + 1) * OUT);
        for (let n = 0; n < OUT; n++) expect(data[row * OUT + n]).toBeCloseTo(ofRow(own, n), 3);
      }
    }
    const stayed = await projection.stay(offered, input, {});
    expect(stayed.shape).toEqual([ROWS, OUT]);
    if ('read' in stayed) stayed.dispose();
  }
  await backend.dispose();
});
