import { loadCapture } from '@heed/conformance';
import { type AttentionRequest, type RequestedResults, type Tensor, tensor } from '@heed/core';
import { philox4x32, zeros } from '@heed/core/backend';
import { maskOf } from './pairs.ts';
import type { Workload } from './workload.ts';

/** The request of a workload: float32, layout `bhld`, plain tensors. */
export type WorkloadRequest = Omit<AttentionRequest<Tensor>, 'gradient' | keyof RequestedResults> & {
  readonly query: Tensor<'float32'>;
  readonly key: Tensor<'float32'>;
  readonly value: Tensor<'float32'>;
  /** `[Lq, Lk]`. */
  readonly mask?: Tensor<'bool'>;
};

/** The workload as a request. Its numbers are standard normal and depend on the seed and their place only. */
export async function requestOf(of: Workload): Promise<WorkloadRequest> {
  const { causal, window, alignment, mask, queryLength, keyLength } = of;
  return {
    ...(of.source === 'normal' ? drawn(of) : await captured(of.source)),
    ...(causal && { causal }),
    ...(window && { window }),
    ...((causal || window) && { alignment }),
    ...(mask && { mask: tensor(maskOf(of), [queryLength, keyLength]) }),
  };
}

type Inputs = Pick<WorkloadRequest, 'query' | 'key' | 'value'>;

function drawn(of: Workload): Inputs {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, seed } = of;
  return {
    query: normal([batch, heads, queryLength, headDim], seed, 0),
    key: normal([batch, kvHeads, keyLength, headDim], seed, 1),
    value: normal([batch, kvHeads, keyLength, valueDim], seed, 2),
  };
}

async function captured(source: Exclude<Workload['source'], 'normal'>): Promise<Inputs> {
  const { layers } = await loadCapture('passage');
  const { query, key, value } = layers.find(({ layer }) => source === `minilm-layer-${layer}`)!;
  return { query, key, value };
}

/** The gradient of a loss with respect to the output, `[B, Hq, Lq, Dv]`: where a backward pass begins. */
export function outputGradientOf(of: Workload): Tensor<'float32'> {
  return normal([of.batch, of.heads, of.queryLength, of.valueDim], of.seed, 3);
}

/** Box–Muller on the words of Philox: no state, so that each tensor is independent. */
function normal(shape: readonly number[], seed: number, stream: number): Tensor<'float32'> {
  const result = zeros('float32', shape);
  for (let at = 0; at < result.data.length; at += 4) {
    const words = philox4x32([at / 4, stream, 0, 0], [seed, 0]);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log(toUnit(words[pair]!)));
      const angle = 2 * Math.PI * toUnit(words[pair + 1]!);
      result.data[at + pair] = radius * Math.cos(angle);
      result.data[at + pair + 1] = radius * Math.sin(angle);
    }
  }
  return result;
}

/** Maps a random word to a number between 0 and 1, both exclusive. */
function toUnit(word: number): number {
  return (word + 0.5) / 2 ** 32;
}
