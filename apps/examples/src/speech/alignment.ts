import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Sound, Whisper } from '@heed/models';

/**
 * Cross-attention of the heads that follow the sound, while the model reads a text.
 *
 * @param ids of text.
 * @returns `weights` `[1, heads, L, places]` of the row from which each id is told, for the places that the sound fills (30 s at
 * most), and the samples of those.
 */
export async function alignmentWeights(
  model: Whisper,
  sound: Sound,
  ids: readonly number[],
): Promise<{ readonly weights: Tensor<'float32'>; readonly samples: Float32Array }> {
  const { tokens, alignmentHeads, sourcePositions } = model.config;
  const capture = alignmentHeads.map(
    ([layer, head]) => ({ layer, heads: [head], what: 'crossWeights' }) as const,
  );
  const { captured } = await model.run(sound, [tokens.start, tokens.noTimestamps, ...ids], { capture });
  const samples = sound.samples.subarray(0, sourcePositions * 0.02 * sound.sampleRate);
  const places = Math.min(sourcePositions, Math.ceil(samples.length / sound.sampleRate / 0.02));
  const weights = zeros('float32', [1, captured.length, ids.length, places]);
  captured.forEach(({ data }, head) => {
    for (let i = 0; i < ids.length; i++) {
      const from = (i + 1) * sourcePositions;
      weights.data.set(data.subarray(from, from + places), (head * ids.length + i) * places);
    }
  });
  return { weights, samples };
}
