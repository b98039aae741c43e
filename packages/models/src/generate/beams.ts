import { HeedError, type RunOptions } from '@heed/core';
import { abortSignal, checkOptions, integer, listOf, number, required } from '@heed/core/backend';
import type { DecoderCache } from '../decoder/cache.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { logProbabilitiesOf } from '../decoder/log-probabilities.ts';
import { checkModel, checkPrompt } from './check.ts';
import { likeliest } from './choose.ts';

/** Options of {@link beamSearch}. */
export interface BeamOptions extends RunOptions {
  /** The number of texts that are kept at each step. */
  readonly beams: number;
  /** The number of tokens that a text may have. */
  readonly maximum: number;
  /** Ids after which a text is complete; `tokenizer.endIds`. Default: none. */
  readonly endIds?: readonly number[] | undefined;
  /** Texts are compared by log-probability / length ^ this. Default 1, the mean of their tokens. */
  readonly lengthPenalty?: number | undefined;
}

/** A text of a beam search. */
export interface Beam {
  /** Ids that follow the prompt, including the id that ended the text. */
  readonly ids: readonly number[];
  /** The natural logarithm of the probability of all its tokens. */
  readonly logProbability: number;
  /** Score that texts are compared by. */
  readonly score: number;
}

/**
 * Searches for likely texts: each step keeps as many of all continuations of the texts so far as there are beams. A
 * text that ends leaves the search, which is over once none of the others can become better than the worst that has
 * ended.
 *
 * @param prompt its ids.
 * @returns as many texts as there are beams or fewer, the best first.
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; what `model.run` throws; the signal's reason.
 */
export async function beamSearch(
  model: Decoder,
  prompt: readonly number[],
  options: BeamOptions,
): Promise<readonly Beam[]> {
  checkModel('beamSearch()', model);
  checkPrompt('beamSearch()', prompt);
  checkOptions('beamSearch()', options, {
    beams: required(integer(1, Math.floor(model.config.vocabulary / 2))),
    maximum: required(integer(1)),
    endIds: listOf(integer(0)),
    lengthPenalty: number('a finite number', Number.isFinite),
    signal: abortSignal,
  });
  const { beams, maximum, endIds = [], lengthPenalty = 1, signal } = options;
  const capacity = prompt.length + maximum - 1;
  if (prompt.length === 0 || capacity > model.config.positions) {
    throw new HeedError(
      'ARGUMENT',
      `beamSearch(): the prompt has ${prompt.length} tokens; maximum is ${maximum}`,
      {
        remedy: `give at least one token, and no more than ${model.config.positions} with those that follow`,
      },
    );
  }
  const run = signal === undefined ? {} : { signal };
  const scored = (ids: readonly number[], logProbability: number): Beam => ({
    ids,
    logProbability,
    score: logProbability / ids.length ** lengthPenalty,
  });
  const ended: Beam[] = [];
  let alive: readonly Beam[] = [{ ids: [], logProbability: 0, score: 0 }];
  let cache: DecoderCache = await model.cache({ capacity });
  try {
    let { logits } = await model.run([prompt], { ...run, cache });
    if (beams > 1) {
      const one = cache;
      cache = await one.gather(Array<number>(beams).fill(0));
      one.dispose();
    }
    for (let length = 1; ; length++) {
      const candidates = continuations(alive, logits.data, beams * (1 + endIds.length));
      const going: (Beam & { readonly parent: number })[] = [];
      candidates.forEach(({ parent, id, logProbability }, rank) => {
        const beam = scored([...alive[parent].ids, id], logProbability);
        if (!endIds.includes(id)) going.push({ ...beam, parent });
        else if (rank < beams) ended.push(beam);
      });
      const kept = going.slice(0, beams);
      ended.sort(byScore);
      ended.splice(beams);
      if (length === maximum) return [...ended, ...kept].sort(byScore).slice(0, beams).map(withoutParent);
      // A log-probability only falls; dividing it by a higher length is the best that can come.
      const best = kept[0].logProbability / (lengthPenalty > 0 ? maximum : length) ** lengthPenalty;
      if (ended.length === beams && ended[beams - 1].score >= best) return ended;
      await cache.reorder(kept.map(({ parent }) => parent));
      ({ logits } = await model.run(
        kept.map(({ ids }) => [ids.at(-1)!]),
        { ...run, cache },
      ));
      alive = kept;
    }
  } finally {
    cache.dispose();
  }
}

interface Continuation {
  /** Index of the text that continues. */
  readonly parent: number;
  readonly id: number;
  readonly logProbability: number;
}

/** The likeliest continuations of all texts, in their order. */
function continuations(alive: readonly Beam[], scores: Float32Array, count: number): readonly Continuation[] {
  const vocabulary = scores.length / Math.max(1, alive.length);
  return alive
    .flatMap(({ logProbability }, parent) => {
      const row = logProbabilitiesOf(scores.subarray(parent * vocabulary, (parent + 1) * vocabulary));
      const ids = Array.from(likeliest(row, count));
      return ids.map((id) => ({ parent, id, logProbability: logProbability + row[id] }));
    })
    .sort((a, b) => b.logProbability - a.logProbability || a.parent - b.parent || a.id - b.id)
    .slice(0, count);
}

function byScore(a: Beam, b: Beam): number {
  return b.score - a.score;
}

function withoutParent({ ids, logProbability, score }: Beam): Beam {
  return { ids, logProbability, score };
}
