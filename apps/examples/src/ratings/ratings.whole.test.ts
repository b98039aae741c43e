import wasm from '@heed/backend-wasm';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isRequired } from '@heed/testing';
import { provisioned } from '../model-files.ts';
import { popularityOf } from './histories.ts';
import { readHistories } from './job.ts';
import { gain, hit, mean, rankOf } from './measures.ts';
import { SETTINGS } from './settings.ts';
import { popular } from './study.ts';
import { questions, train } from './training.ts';

const file = path.join(provisioned('movielens'), 'ratings.csv');
const isMissing = !existsSync(file) && !isRequired('movielens');

// The whole comparison is a command: `ratings`.
test.skipIf(isMissing)(
  'on real ratings, ten epochs of attention rank the validation films better than popularity does',
  { timeout: 900_000 },
  async () => {
    const histories = readHistories(file);
    expect([histories.users.length, histories.titles.length]).toEqual([671, 3459]);
    expect(questions(histories, 'test').length).toBe(452);
    expect(mean(popular(histories).ranks[0].map(hit))).toBeCloseTo(0.051, 3);
    const popularity = popularityOf(histories);
    const asked = questions(histories, 'validation');
    const known = mean(asked.map((one) => gain(rankOf(popularity, one.target, new Set(one.history)))));
    const backend = await wasm.create({ threads: 1 });
    const looks: number[] = [];
    await train(backend, histories, {
      ...SETTINGS,
      ...{ attends: true, seed: 1, epochs: 10 },
      onLook: (look) => looks.push(look.gain),
    });
    expect(Math.max(...looks)).toBeGreaterThan(1.2 * known);
    await backend.dispose();
  },
);
