import { heatmap, meanOverHeads, toSVG } from '@heed/heatmap';
import { readFileSync } from 'node:fs';
import { createBackend } from '../backends.ts';
import { idsOf } from '../tensors.ts';
import { readRatings } from './csv.ts';
import { type Histories, historiesOf } from './histories.ts';
import { MINIMUM, SETTINGS } from './settings.ts';
import { questions, train } from './training.ts';

/** A training, as plain data. */
export interface Job {
  readonly file: string;
  readonly backend: string;
  readonly attends: boolean;
  readonly seed: number;
  readonly epochs: number;
}

export interface Done {
  readonly ranks: readonly number[];
  readonly epoch: number;
  readonly parameters: number;
  /** SVG of what the model looked at, for attention. */
  readonly picture: string | null;
}

/** Items of the picture's history. */
const PICTURED = 16;

/** The ratings of a file; the order of those with the same time is the same in every training. */
export function readHistories(file: string): Histories {
  return historiesOf(readRatings(readFileSync(file, 'utf8')), { minimum: MINIMUM, seed: 1 });
}

export async function work(
  { file, attends, seed, epochs, ...job }: Job,
  say: (line: string) => void,
): Promise<Done> {
  const histories = readHistories(file);
  const backend = await createBackend(job.backend);
  const name = `${attends ? 'attention' : 'mean'}, seed ${seed}`;
  const { ranks, epoch, parameters, model } = await train(backend, histories, {
    ...{ ...SETTINGS, attends, seed, epochs },
    onLook: (look) =>
      say(
        `${name}, epoch ${look.epoch}: loss ${look.loss.toFixed(3)}, validation ${look.surprise.toFixed(3)}, its NDCG ${look.gain.toFixed(3)}`,
      ),
  });
  let picture: string | null = null;
  if (attends) {
    const [{ history }] = questions(histories, 'test');
    const shown = history.slice(-PICTURED);
    const titles = shown.map((item) => histories.titles[item]);
    const { weights } = await model.scores(backend, idsOf(shown, [1, shown.length]));
    const options = { batch: 0, rows: titles, columns: titles, title: 'What the next item is foretold from' };
    picture = toSVG(heatmap(meanOverHeads(weights), options));
  }
  await backend.dispose();
  return { ranks, epoch, parameters, picture };
}
