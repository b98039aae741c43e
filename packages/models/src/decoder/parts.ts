import { HeedError, type Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { Embedding, type LayerNorm, type RMSNorm } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { Projection } from '../engine/projection.ts';
import { type Matrix, decodeRow } from '../weights/matrix.ts';
import { WeightReader, type WeightSource, checkEnough } from '../weights/source.ts';
import { DecoderBlock, normOf } from './block.ts';

/** The parts of a decoder. */
export interface DecoderParts {
  /** The embedding, `[V, E]`. */
  readonly words: Matrix;
  /** Learned positions of GPT-2. */
  readonly places: Embedding | null;
  readonly blocks: readonly DecoderBlock[];
  readonly norm: LayerNorm | RMSNorm;
  /** Scores of the tokens; tied to the embedding where the model is. */
  readonly head: Projection;
}

/** Reads the weights of a model. @throws HeedError where they and the configuration do not agree; what reading throws. */
export async function readParts(config: DecoderConfig, source: WeightSource): Promise<DecoderParts> {
  const isGPT2 = config.kind === 'gpt2';
  const reader = new WeightReader(source, isGPT2 ? 'transformer.' : 'model.');
  const { vocabulary, positions, width, tied } = config;
  const words = await reader.matrix(isGPT2 ? 'wte.weight' : 'embed_tokens.weight', [vocabulary, width]);
  let places: Embedding | null = null;
  if (isGPT2) {
    const dict = await reader.under('wpe.');
    checkEnough('wpe', dict, positions * width);
    places = new Embedding({ count: positions, embedDim: width, random: () => 0 });
    places.loadStateDict(dict);
  }
  const blocks: DecoderBlock[] = [];
  for (let n = 0; n < config.layers; n++) blocks.push(await DecoderBlock.load(config, n, reader));
  const norm = normOf(config, await reader.under(isGPT2 ? 'ln_f.' : 'norm.'));
  if (tied) reader.skip('lm_head.weight');
  const rows = tied ? words : await reader.matrix('lm_head.weight', [vocabulary, width]);
  const head = new Projection([{ weight: rows, bias: null }]);
  reader.finish();
  return { words, places, blocks, norm, head };
}

/**
 * The stream before the first block, `[B, L, E]`, of tokens and their positions, `[B, L]`.
 *
 * @throws HeedError `ARGUMENT` for an id that the model does not have.
 */
export function embed(
  { words, places }: DecoderParts,
  ids: Tensor<'int32'>,
  positions: Tensor<'int32'>,
): Tensor<'float32'> {
  const [vocabulary, width] = words.shape as [number, number];
  const stream = zeros('float32', [...ids.shape, width]);
  ids.data.forEach((id, n) => {
    if (id < -1 || id >= vocabulary) {
      throw new HeedError(
        'ARGUMENT',
        `the id ${id} has no row; expected −1 (padding) or 0…${vocabulary - 1}`,
        { remedy: 'encode the text with the tokenizer of the model' },
      );
    }
    if (id >= 0) decodeRow(words, id, stream.data.subarray(n * width, (n + 1) * width));
  });
  if (places !== null) {
    const { data } = places.forward(positions);
    for (let n = 0; n < data.length; n++) stream.data[n] += data[n];
  }
  return stream;
}
