import type { AttentionBackend, Tensor } from '@heed/core';
import { Adam, type FloatTensor, seededRandom } from '@heed/layers';
import { idsOf } from '../tensors.ts';
import { type Histories, popularityOf } from './histories.ts';
import { gain, mean, rankOf } from './measures.ts';
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
  readonly onLook?: (look: { readonly epoch: number; readonly loss: number; readonly gain: number }) => void;
}

export interface Trained {
  /** Ranks of the test items, in the order of the users that have one, where the validation items ranked best. */
  readonly ranks: readonly number[];
  readonly epoch: number;
  readonly parameters: number;
  /** The model after its last epoch. */
  readonly model: NextItem;
}

/** Trains a model and stops where it predicts the validation items best. Test items decide nothing. */
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
  const texts = histories.users.map(({ trained }) => trained).filter((text) => text.length > 1);
  let best = { gain: -1, epoch: 0, ranks: [] as readonly number[] };
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(texts, random);
    const losses: number[] = [];
    for (let first = 0; first < texts.length; first += batch) {
      const windows = texts.slice(first, first + batch).map((text) => windowOf(text, length + 1, random));
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
    const validated = mean((await ranksOf(backend, model, histories, 'validation', length)).map(gain));
    options.onLook?.({ epoch, loss: mean(losses), gain: validated });
    if (validated <= best.gain) continue;
    best = { gain: validated, epoch, ranks: await ranksOf(backend, model, histories, 'test', length) };
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

/** Ranks of the targets among all items that their users have not seen. */
async function ranksOf(
  backend: AttentionBackend,
  model: NextItem,
  histories: Histories,
  what: 'validation' | 'test',
  length: number,
): Promise<readonly number[]> {
  const asked = questions(histories, what);
  const ranks: number[] = [];
  for (let first = 0; first < asked.length; first += 64) {
    const some = asked.slice(first, first + 64);
    const ids = padded(
      some.map(({ history }) => history.slice(-length)),
      length,
    );
    const { scores } = await model.scores(backend, ids);
    some.forEach(({ history, target }, n) => ranks.push(rankOf(rowOf(scores, n), target, new Set(history))));
  }
  return ranks;
}

function rowOf({ data, shape }: FloatTensor, n: number): FloatTensor['data'] {
  return data.subarray(n * shape[1], (n + 1) * shape[1]);
}

/** int32 `[B, L]`, −1 at the right. */
function padded(texts: readonly (readonly number[])[], length: number): Tensor<'int32'> {
  const ids = texts.flatMap((text) => [...text, ...Array<number>(length - text.length).fill(-1)]);
  return idsOf(ids, [texts.length, length]);
}

/** Neighbors of a history, as many as there are up to a length. */
function windowOf(text: readonly number[], length: number, random: () => number): readonly number[] {
  const start = Math.floor(random() * Math.max(1, text.length - length + 1));
  return text.slice(start, start + length);
}

function shuffle(values: unknown[], random: () => number): void {
  for (let n = values.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    [values[n], values[other]] = [values[other], values[n]];
  }
}
