import { type StoredType, type StoredWeight, type Tensor, cast, tensor } from '@heed/core';
import { BLOCK_BYTES, STORED_TYPES, isBlockType, weightNumbers } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import wasm from '../../index.ts';

const INPUTS = 64;
const OUTPUTS = 150;

/** Numbers from −1 to 1, the same each time. */
function numbers(length: number): Float32Array {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return Float32Array.from({ length }, next);
}

function weightOf(type: StoredType): StoredWeight {
  const shape = [OUTPUTS, INPUTS];
  const plain = tensor(numbers(OUTPUTS * INPUTS), shape);
  if (!isBlockType(type)) return cast(plain, type) as StoredWeight;
  const size = BLOCK_BYTES[type];
  const data = Uint8Array.from(
    { length: (OUTPUTS * INPUTS * size) / 32 },
    (_, n) => (n * 89 + (n >> 3)) & 255,
  );
  // Scales, and minimums, of moderate size and either sign.
  for (let at = 0; at < data.length; at += size) {
    data[at + 1] = at % (2 * size) === 0 ? 0x28 : 0xa9;
    if (type === 'q4_1') data[at + 3] = 0xb4;
  }
  return { dtype: type, shape, data };
}

describe.each(STORED_TYPES)('weights in %s', (weightType) => {
  test.each([1, 2])(
    '%i threads: a row has the same bits among 1 to 200 rows, and is right',
    async (threads) => {
      const backend = await wasm.create({ threads });
      const kernel = await backend.linear!.compile({ inputDim: INPUTS, outputDim: OUTPUTS, weightType });
      const weight = weightOf(weightType);
      const weights = await kernel.pack({ weight });
      const all = numbers(200 * INPUTS);
      const rowsOf = async (rows: number): Promise<Tensor['data']> => {
        const input = tensor(all.slice(0, rows * INPUTS), [rows, INPUTS]);
        return (await kernel.run({ input, weights })).output.data;
      };
      const most = await rowsOf(200);
      for (const rows of [1, 3, 4, 6, 97, 101]) {
        expect((await rowsOf(rows)).join(), `${rows} rows`).toBe(most.slice(0, rows * OUTPUTS).join());
      }
      const exact = weightNumbers(weight);
      for (const row of [0, 95, 96, 199]) {
        for (let n = 0; n < OUTPUTS; n++) {
          let [sum, size] = [0, 0];
          for (let k = 0; k < INPUTS; k++) {
            const product = all[row * INPUTS + k]! * exact[n * INPUTS + k]!;
            sum += product;
            size += Math.abs(product);
          }
          expect(Math.abs(most[row * OUTPUTS + n]! - sum)).toBeLessThan(1e-5 * size);
        }
      }
      weights.dispose();
      await backend.dispose();
    },
  );
});
