import { type AttentionBackend, type Tensor, attention, tensor } from '@heed/core';

/** A tensor of distinct numbers, the same at each call. */
export function waves(shape: readonly number[], seed: number): Tensor<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => Math.sin(seed + 1.7 * n)),
    shape,
  );
}

/** Runs forward passes and gradients with everything that takes temporary memory. */
export async function runSome(backend: AttentionBackend, times: number): Promise<void> {
  const shape = [2, 2, 24, 8];
  for (let n = 0; n < times; n++) {
    const { output, gradient } = await attention(backend, {
      query: waves(shape, n),
      key: waves(shape, n + 1),
      value: waves(shape, n + 2),
      bias: waves([24, 24], n + 3),
      sinks: waves([2], n + 4),
      mask: tensor(new Uint8Array(24).fill(1, 3), [24]),
      softcap: 3,
      causal: true,
      weights: true,
      logSumExp: true,
      gradient: true,
    });
    await gradient(waves(output.shape, n + 5));
  }
}
