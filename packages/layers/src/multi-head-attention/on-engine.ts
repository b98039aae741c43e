import {
  type AttentionBackend,
  type AttentionRequest,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  type TensorLike,
  attention,
} from '@heed/core';
import { type Projection, type Projections, offersLinear } from '../engine/projections.ts';
import type { NamedTensors } from '../parameters.ts';
import type { FloatTensor } from '../tensors.ts';
import type { Shape } from './parameters.ts';

/** Returns whether a layer of this precision can stay in an engine's memory from its input to its output. */
export function staysOn(backend: AttentionBackend, input: FloatTensor): boolean {
  return offersLinear(backend, input) && backend.capabilities.features.includes('layout.blhd');
}

interface Asked {
  readonly signal?: RunOptions['signal'] | undefined;
  readonly weights: boolean;
  readonly logSumExp: boolean;
}

/** Request to the layer's attention besides its three tensors. */
export type Scope = Omit<
  AttentionRequest<TensorLike>,
  'query' | 'key' | 'value' | 'layout' | 'gradient' | 'selection' | 'seed' | 'output' | keyof Asked
>;

/**
 * The forward pass of multi-head attention in the memory of an engine: inputs go in once, the output comes out, and heads are
 * views of projections.
 */
export async function forwardOnEngine(
  backend: AttentionBackend,
  layer: { readonly projections: Projections; readonly parameters: NamedTensors; readonly shape: Shape },
  inputs: Readonly<Record<'query' | 'key' | 'value', FloatTensor>>,
  scope: Scope,
  { weights, logSumExp, signal }: Asked,
): Promise<{ readonly output: FloatTensor; readonly weights?: Tensor; readonly logSumExp?: Tensor }> {
  const { parameters, shape, projections } = layer;
  const run = signal === undefined ? {} : { signal };
  const projectionOf = (name: string): Projection =>
    projections.use(backend, name, {
      weight: parameters[`${name}.weight`],
      bias: parameters[`${name}.bias`],
    });
  // Read before the first await: these are the parameters of this call.
  const used = [
    projectionOf('query'),
    projectionOf('key'),
    projectionOf('value'),
    projectionOf('output'),
  ] as const;
  const mine: ResidentTensor[] = [];
  const keep = <T extends ResidentTensor>(tensor: T): T => {
    mine.push(tensor);
    return tensor;
  };
  try {
    const [toQuery, toKey, toValue, toOutput] = await Promise.all([
      used[0].ready,
      used[1].ready,
      used[2].ready,
      used[3].ready,
    ]);
    const uploaded = new Map<FloatTensor, ResidentTensor>();
    for (const input of Object.values(inputs)) {
      if (!uploaded.has(input)) uploaded.set(input, keep(await backend.upload(input)));
    }
    const headsOf = async (
      { kernel, weights: itsWeights }: typeof toQuery,
      input: FloatTensor,
      heads: number,
    ): Promise<ResidentTensor> => {
      const given = { input: uploaded.get(input)!, weights: itsWeights };
      const { output } = await kernel.run(given, { ...run, resident: true });
      const [batch, length] = input.shape;
      return keep(keep(output).view([batch, length, heads, shape.headDim]));
    };
    const query = await headsOf(toQuery, inputs.query, shape.heads);
    const key = await headsOf(toKey, inputs.key, shape.kvHeads);
    const value = await headsOf(toValue, inputs.value, shape.kvHeads);
    const request = { ...scope, query, key, value, layout: 'blhd', weights, logSumExp } as const;
    const attended = await attention(backend, request, { ...run, resident: true });
    const others = [attended.weights, attended.logSumExp].filter((tensor) => tensor !== undefined);
    for (const tensor of [attended.output, ...others]) keep(tensor);
    const [batch, length] = inputs.query.shape;
    const joined = keep(attended.output.view([batch, length, shape.heads * shape.headDim]));
    const { output } = await toOutput.kernel.run({ input: joined, weights: toOutput.weights }, run);
    return {
      output: output as FloatTensor,
      ...(weights && { weights: await attended.weights!.read() }),
      ...(logSumExp && { logSumExp: await attended.logSumExp!.read() }),
    };
  } finally {
    for (const tensor of mine) tensor.dispose();
    for (const projection of used) projection.release();
  }
}
