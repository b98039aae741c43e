import { type AttentionBackend, type Tensor, attention } from '@heed/core';
import {
  activate,
  activationGradient,
  collectParameters,
  type FloatTensor,
  Linear,
  type NamedTensors,
} from '@heed/layers';
import { plus, reshape, zeros } from '../tensors.ts';

/** Queries, keys, and the mask between them. */
export interface MixerInputs {
  readonly query: FloatTensor;
  readonly key?: FloatTensor;
  readonly keyMask?: Tensor;
  readonly causal?: boolean;
}

/**
 * Baseline of attention: it may see the same keys and has the same number of parameters, four projections of width E,
 * but does not choose among them. The query is joined with the plain mean of all keys and goes through two hidden
 * layers, so that no parameter is idle.
 */
export class Averaging {
  readonly parameters: NamedTensors;
  readonly #layers: Readonly<Record<'source' | 'query' | 'hidden' | 'output', Linear>>;

  constructor({ embedDim, random }: { readonly embedDim: number; readonly random: () => number }) {
    const make = (): Linear => new Linear({ inputDim: embedDim, outputDim: embedDim, random });
    this.#layers = { source: make(), query: make(), hidden: make(), output: make() };
    this.parameters = collectParameters(this.#layers);
  }

  async forward(
    backend: AttentionBackend,
    { query, key = query, keyMask, causal }: MixerInputs,
  ): Promise<{
    readonly output: FloatTensor;
    gradient(dOutput: FloatTensor): Promise<{
      readonly dQuery: FloatTensor;
      readonly dKey: FloatTensor;
      readonly parameters: NamedTensors;
    }>;
  }> {
    const { source, query: ofQuery, hidden, output } = this.#layers;
    const mean = await meanOf(backend, source.forward(key), query.shape[1], keyMask, causal ?? false);
    const first = activate('relu', plus(ofQuery.forward(query), mean.output));
    const second = activate('relu', hidden.forward(first));
    return {
      output: output.forward(second),
      async gradient(dOutput) {
        const fromOutput = output.gradient(second, dOutput);
        const fromHidden = hidden.gradient(first, activationGradient('relu', second, fromOutput.dInput));
        const dFirst = activationGradient('relu', first, fromHidden.dInput);
        const fromQuery = ofQuery.gradient(query, dFirst);
        const fromSource = source.gradient(key, await mean.gradient(dFirst));
        return {
          dQuery: key === query ? plus(fromQuery.dInput, fromSource.dInput) : fromQuery.dInput,
          dKey: fromSource.dInput,
          parameters: collectParameters({
            source: fromSource,
            query: fromQuery,
            hidden: fromHidden,
            output: fromOutput,
          }),
        };
      },
    };
  }
}

/** The mean of the rows that each query may see: attention whose scores are all 0. */
async function meanOf(
  backend: AttentionBackend,
  value: FloatTensor,
  queries: number,
  keyMask: Tensor | undefined,
  causal: boolean,
): Promise<{ readonly output: FloatTensor; gradient(dOutput: FloatTensor): Promise<FloatTensor> }> {
  const [batch, keys, width] = value.shape;
  const results = await attention(backend, {
    query: zeros([batch, 1, queries, 1]),
    key: zeros([batch, 1, keys, 1]),
    value: reshape(value, [batch, 1, keys, width]),
    causal,
    mask: keyMask && { ...keyMask, shape: [batch, 1, 1, keys] },
    gradient: true,
  });
  return {
    output: reshape(results.output, [batch, queries, width]),
    gradient: async (dOutput) => {
      const { dValue } = await results.gradient(reshape(dOutput, [batch, 1, queries, width]));
      return reshape(dValue, [batch, keys, width]);
    },
  };
}
