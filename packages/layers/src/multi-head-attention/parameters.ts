import { type ComputeDType, HeedError } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type NamedTensors, initialGlorot, initialUniform } from '../parameters.ts';
import type { ProjectionParameters } from '../engine/projections.ts';
import type { FloatTensor } from '../tensors.ts';
import type { MultiHeadAttentionOptions, ProjectionBiases } from './options.ts';

/** The numbers that fix the shapes. */
export interface Shape {
  readonly embedDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kdim: number;
  readonly vdim: number;
}

/** @throws HeedError `ARGUMENT`. */
export function shapeOf(options: MultiHeadAttentionOptions): Shape {
  const { embedDim, heads, kvHeads = heads, kdim = embedDim, vdim = embedDim } = options;
  const headDim = options.headDim ?? embedDim / heads;
  const shape = { embedDim, heads, kvHeads, headDim, kdim, vdim };
  if (options.headDim === undefined && embedDim % heads !== 0) {
    throw new HeedError('ARGUMENT', `embedDim is ${embedDim}, which is not a multiple of heads=${heads}`, {
      remedy: `choose a number of heads that divides ${embedDim}; MultiHeadAttention may have another headDim`,
    });
  }
  if (heads % kvHeads !== 0) {
    throw new HeedError('ARGUMENT', `heads is ${heads}, which is not a multiple of kvHeads=${kvHeads}`, {
      clause: 'gqa',
      remedy: `set kvHeads to a number that divides ${heads}`,
    });
  }
  return shape;
}

/** The first weights; norms have their own. */
export function initialParameters(
  { embedDim, heads, kvHeads, headDim, kdim, vdim }: Shape,
  dtype: ComputeDType,
  { bias = true, sinks = false, random = Math.random }: MultiHeadAttentionOptions,
): NamedTensors {
  const joined = heads * headDim;
  const parameters: Record<string, FloatTensor> = {
    'query.weight': initialGlorot(dtype, [joined, embedDim], random),
    'key.weight': initialGlorot(dtype, [kvHeads * headDim, kdim], random),
    'value.weight': initialGlorot(dtype, [kvHeads * headDim, vdim], random),
    'output.weight': initialUniform(dtype, [embedDim, joined], 1 / Math.sqrt(joined), random),
  };
  const biases = Object.entries(parameters)
    .filter(([name]) => hasBias(bias, name.replace('.weight', '') as keyof ProjectionBiases))
    .map(([name, { shape }]) => [name.replace('.weight', '.bias'), zeros(dtype, [shape[0]])]);
  return {
    ...parameters,
    ...(Object.fromEntries(biases) as NamedTensors),
    ...(sinks && { sinks: zeros(dtype, [heads]) }),
  };
}

function hasBias(bias: boolean | ProjectionBiases, name: keyof ProjectionBiases): boolean {
  return typeof bias === 'boolean' ? bias : (bias[name] ?? true);
}

/** Parameters of the projection of this name. */
export function projectionOf(parameters: NamedTensors, name: string): ProjectionParameters {
  return { weight: parameters[`${name}.weight`], bias: parameters[`${name}.bias`] };
}
