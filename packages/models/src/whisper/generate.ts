import type { AttentionBackend, RunOptions } from '@heed/core';
import { nextTurn } from '@heed/core/backend';
import type { WhisperConfig } from './config.ts';
import type { Window, WhisperDecoder } from './decoder.ts';
import { logProbabilityOf } from './log-probability.ts';
import { applyRules } from './rules.ts';

/** Tokens of a window. */
export interface WindowText {
  /** With timestamps, without the end. */
  readonly tokens: readonly number[];
  /** Mean of the tokens' log-probabilities, that of the end included. */
  readonly logProbability: number;
  readonly noSpeechProbability: number;
}

const NOTHING = { weights: new Set<number>(), crossWeights: new Set<number>() } as const;

/** Takes the likeliest token that the rules allow, until the model ends the text. */
export async function generateText(
  backend: AttentionBackend,
  decoder: WhisperDecoder,
  config: WhisperConfig,
  window: Window,
  prompt: readonly number[],
  run: RunOptions,
): Promise<WindowText> {
  const { end, noSpeech } = config.tokens;
  // As in the model's training: half of the positions are for what was said before.
  const room = Math.floor(config.targetPositions / 2);
  const cache = await decoder.cache(backend);
  try {
    const tokens: number[] = [];
    let next = prompt;
    let sum = 0;
    let noSpeechProbability = 0;
    for (;;) {
      const isFirst = next === prompt;
      const { logits } = await decoder.forward(
        backend,
        next,
        window,
        cache,
        isFirst ? 'all' : 'last',
        NOTHING,
        run,
      );
      if (isFirst) {
        noSpeechProbability = Math.exp(
          logProbabilityOf(logits.data.subarray(0, config.vocabulary), noSpeech),
        );
      }
      const scores = logits.data.subarray(-config.vocabulary);
      applyRules(scores, tokens, config);
      let id = 0;
      for (let n = 1; n < scores.length; n++) if (scores[n] > scores[id]) id = n;
      sum += logProbabilityOf(scores, id);
      if (id === end || tokens.length === room) break;
      tokens.push(id);
      next = [id];
      await nextTurn();
      run.signal?.throwIfAborted();
    }
    return { tokens, logProbability: sum / (tokens.length + 1), noSpeechProbability };
  } finally {
    cache.dispose();
  }
}
