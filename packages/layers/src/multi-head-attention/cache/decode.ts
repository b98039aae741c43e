import { type AttentionBackend, HeedError, type Tensor, attention } from '@heed/core';
import { exchangeHeadsAndLength, shown } from '@heed/core/backend';
import type { Projections } from '../../engine/projections.ts';
import { withKeyMask } from '../../masks.ts';
import type { NamedTensors } from '../../parameters.ts';
import { withTensors } from '../../tensor-like.ts';
import type { FloatTensor } from '../../tensors.ts';
import { type Heads, joinHeads } from '../heads.ts';
import type {
  MultiHeadAttentionInputs,
  MultiHeadAttentionOptions,
  MultiHeadForwardOptions,
} from '../options.ts';
import { type Shape, projectionOf } from '../parameters.ts';
import { type KeysSoFar, LayerKeys } from './keys.ts';

/** The layer, as far as decoding needs it. */
export interface DecodingLayer {
  readonly projections: Projections;
  readonly parameters: NamedTensors;
  readonly shape: Shape;
  readonly heads: Heads;
  readonly options: MultiHeadAttentionOptions;
}

type DecodingInputs = MultiHeadAttentionInputs & { readonly query: FloatTensor; readonly cache: KeysSoFar };

/**
 * Appends the queries' own keys to those of the cache; the last query is at the last key.
 *
 * @throws HeedError `ARGUMENT` for a cache of another layer, without room, or with inputs that do not go with one.
 */
export async function decode(
  backend: AttentionBackend,
  layer: DecodingLayer,
  inputs: DecodingInputs,
  options: MultiHeadForwardOptions,
): Promise<object> {
  const { projections, parameters, shape, heads } = layer;
  const { scale, softcap, dtype = 'float32' } = layer.options;
  const { query, cache, queryPositions, rest } = checkedInputs(inputs, options);
  const { weights = false, logSumExp = false, gradient: _, dropout: __, ...run } = options;
  const tensors = withTensors<Omit<MultiHeadAttentionInputs, 'query'>>(rest, dtype);
  const { bias, alibiSlopes, ...who } = tensors;
  cache.checkFor(shape.kvHeads, shape.headDim, query, who.window?.left ?? Infinity);
  const scope = await withKeyMask(who, query.shape[0], cache.capacity);
  const positions = (queryPositions ?? cache.positions(query.shape[1])) as Tensor;
  const rotation = heads.rotation(query, query, positions, positions);
  const project = (name: string, input: FloatTensor): Promise<FloatTensor> =>
    projections.run(backend, name, projectionOf(parameters, name), input, run);
  const headsOf = async (name: 'query' | 'key' | 'value'): Promise<FloatTensor> =>
    heads.split(name, await project(name, query));
  const [ofQuery, ofKey, ofValue] = [await headsOf('query'), await headsOf('key'), await headsOf('value')];
  const rotated = rotation.query(heads.normalized('query', ofQuery), 1);
  const results = await cache.append(rotation.key(heads.normalized('key', ofKey), 1), ofValue, (kept) =>
    attention(
      backend,
      {
        ...scope,
        ...kept,
        query: exchangeHeadsAndLength(rotated),
        scale,
        softcap,
        sinks: parameters['sinks'],
        bias,
        alibiSlopes,
        alignment: 'bottomRight',
        weights,
        logSumExp,
      },
      run,
    ),
  );
  const joined = joinHeads(exchangeHeadsAndLength(results.output!) as FloatTensor);
  return {
    output: await project('output', joined),
    ...(weights && { weights: results.weights }),
    ...(logSumExp && { logSumExp: results.logSumExp }),
  };
}

/** @throws HeedError `ARGUMENT`. */
function checkedInputs(
  inputs: DecodingInputs,
  { gradient, dropout }: MultiHeadForwardOptions,
): {
  readonly query: FloatTensor;
  readonly cache: LayerKeys;
  readonly queryPositions: MultiHeadAttentionInputs['queryPositions'];
  readonly rest: Partial<MultiHeadAttentionInputs>;
} {
  const { query, cache, key, value, queryPositions, keyPositions, alignment, keyLengths, ...rest } = inputs;
  if (!(cache instanceof LayerKeys)) {
    throw new HeedError(
      'ARGUMENT',
      `cache is ${shown(cache)}; expected what cache() of this layer gave, or pools().at()`,
      { remedy: 'const cache = await layer.cache(backend, { capacity })' },
    );
  }
  const more = { key, value, keyPositions, alignment, keyLengths, gradient: gradient || undefined, dropout };
  const given = Object.entries(more).find(([, option]) => option !== undefined);
  if (given !== undefined) {
    throw new HeedError(
      'ARGUMENT',
      `unexpected ${given[0]} beside a cache; expected self-attention, forward`,
      { remedy: `leave out ${given[0]}, or the cache` },
    );
  }
  return { query, cache, queryPositions, rest };
}
