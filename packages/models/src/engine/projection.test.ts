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
