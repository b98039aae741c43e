import type { AttentionBackend, Tensor } from '@heed/core';
import { Adam, type FloatTensor, seededRandom } from '@heed/layers';
import { idsOf } from '../tensors.ts';
import { type Histories, popularityOf } from './histories.ts';
import { gain, mean, rankOf, surpriseOf } from './measures.ts';
import { NextItem } from './next-item.ts';

export interface TrainingOptions {
  readonly attends: boolean;
  readonly seed: number;
  /** Items that a prediction looks at. */
  readonly length: number;
  readonly width: number;
  readonly blocks: number;
  readonly batch: number;
  /** Items that each target is told apart from. */
  readonly others: number;
  readonly learningRate: number;
  readonly dropout: number;
  /** In each, a window of every user's history. */
  readonly epochs: number;
  /** Epochs between two looks at the validation items. */
  readonly every: number;
  readonly onLook?: (look: Look) => void;
}

/** A look at the validation items. */
export interface Look {
  readonly epoch: number;
  /** Mean loss of the epoch's training. */
  readonly loss: number;
  /** Mean −log of the probability of the validation items among all that their users have not seen. */
  readonly surprise: number;
  /** Their mean discounted gain. */
  readonly gain: number;
}

export interface Trained {
  /** Ranks of the test items, in the order of the users that have one, where the validation items surprised least. */
  readonly ranks: readonly number[];
  readonly epoch: number;
  readonly parameters: number;
  /** The model after its last epoch. */
  readonly model: NextItem;
}

/**
 * Trains a model and stops where the validation items are least surprising, which is less noisy than their ranks. Test items
 * decide nothing.
 */
export async function train(
  backend: AttentionBackend,
  histories: Histories,
  options: TrainingOptions,
): Promise<Trained> {
  const { attends, seed, length, width, blocks, batch, epochs, every, learningRate } = options;
  const popularity = popularityOf(histories);
  const made = { popularity, length, width, blocks, attends, heads: 2 };
  const model = new NextItem({ ...made, random: seededRandom(seed) });
  const rated = histories.users.flatMap(({ trained }) => trained);
  const random = seededRandom(1000 + seed);
  const adam = new Adam({ learningRate });
  let best = { surprise: Infinity, epoch: 0, ranks: [] as readonly number[] };
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const texts = histories.users.flatMap(({ trained }) => windowsOf(trained, length + 1, random));
    shuffle(texts, random);
    const losses: number[] = [];
    for (let first = 0; first < texts.length; first += batch) {
      const windows = texts.slice(first, first + batch);
      const { loss, gradients } = await model.gradient(backend, {
        ids: padded(
          windows.map((window) => window.slice(0, -1)),
          length,
        ),
        targets: padded(
          windows.map((window) => window.slice(1)),
          length,
        ),
        others: Array.from({ length: options.others }, () => rated[Math.floor(random() * rated.length)]),
        dropout: { probability: options.dropout, seed: seed * 2 ** 20 + step++ },
      });
      adam.step(model.parameters, gradients);
      losses.push(loss);
    }
    if (epoch % every !== 0 && epoch !== epochs) continue;
    const { ranks, surprise } = await foretell(backend, model, histories, 'validation', length);
    options.onLook?.({ epoch, loss: mean(losses), surprise, gain: mean(ranks.map(gain)) });
    if (surprise >= best.surprise) continue;
    best = { surprise, epoch, ranks: (await foretell(backend, model, histories, 'test', length)).ranks };
  }
  const parameters = Object.values(model.parameters).reduce((sum, { data }) => sum + data.length, 0);
  return { ranks: best.ranks, epoch: best.epoch, parameters, model };
}

/** Histories that a target is predicted from, with their targets: of users that have one. */
export function questions(
  { users }: Histories,
  what: 'validation' | 'test',
): readonly { readonly history: readonly number[]; readonly target: number }[] {
  return users.flatMap(({ trained, validation, beforeTest, test }) => {
    const target = what === 'test' ? test : validation;
    const history = what === 'test' && beforeTest !== null ? [...trained, beforeTest] : trained;
    return target === null || history.length === 0 ? [] : [{ history, target }];
  });
}

/** Ranks of the targets among all items that their users have not seen, and the mean −log of their probability among these. */
async function foretell(
  backend: AttentionBackend,
  model: NextItem,
  histories: Histories,
  what: 'validation' | 'test',
  length: number,
): Promise<{ readonly ranks: readonly number[]; readonly surprise: number }> {
  const asked = questions(histories, what);
  const ranks: number[] = [];
  const surprises: number[] = [];
  for (let first = 0; first < asked.length; first += 64) {
    const some = asked.slice(first, first + 64);
    const ids = padded(
      some.map(({ history }) => history.slice(-length)),
      length,
    );
    const { scores } = await model.scores(backend, ids);
    for (const [n, { history, target }] of some.entries()) {
      const seen = new Set(history);
      ranks.push(rankOf(rowOf(scores, n), target, seen));
      surprises.push(surpriseOf(rowOf(scores, n), target, seen));
    }
  }
  return { ranks, surprise: mean(surprises) };
}

function rowOf({ data, shape }: FloatTensor, n: number): FloatTensor['data'] {
  return data.subarray(n * shape[1], (n + 1) * shape[1]);
}

/** int32 `[B, L]`, −1 at the right. */
function padded(texts: readonly (readonly number[])[], length: number): Tensor<'int32'> {
  const ids = texts.flatMap((text) => [...text, ...Array<number>(length - text.length).fill(-1)]);
  return idsOf(ids, [texts.length, length]);
}

/** Neighbors of a history, up to a length: one of a short history, of a long one as many as cover half of it. */
function windowsOf(
  text: readonly number[],
  length: number,
  random: () => number,
): readonly (readonly number[])[] {
  if (text.length < 2) return [];
  const count = Math.max(1, Math.ceil(text.length / length / 2));
  return Array.from({ length: count }, () => {
    const start = Math.floor(random() * Math.max(1, text.length - length + 1));
    return text.slice(start, start + length);
  });
}

function shuffle(values: unknown[], random: () => number): void {
  for (let n = values.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    [values[n], values[other]] = [values[other], values[n]];
  }
}
