import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT, documented } from './blocks.ts';
import { type Part, partOf } from './parts.ts';

/** Commands write files here, and find the packages that this one depends on. */
const folder = path.resolve(import.meta.dirname, '../.blocks/commands');

/** Flags of Node that documents show, and the first major version that takes them. */
const firstNodeWith: Record<string, number> = { '--experimental-wasm-revectorize': 24 };

/** Defines the tests of a part of the commands. */
export function testCommands(part: Part): void {
  beforeAll(() => void mkdirSync(folder, { recursive: true }));

  describe('commands in READMEs exist', () => {
    const lines = documented
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code, place }) =>
        code
          .split('\n')
          .map((line) => line.replace(/ +#.*$/, '').trim())
          .filter((line) => line !== '' && !line.startsWith('#'))
          .map((line) => [place, line] as const),
      );
    // What takes a minute is run with flags where a document shows it so, and then not without.
    const isExtended = (line: string): boolean =>
      part === 'release' && lines.some(([, other]) => bare(other).startsWith(`${bare(line)} --`));
    const own = lines.filter(([, line]) => partOf(line) === part && !isExtended(line));
    test.each(own)('%s: %s', { timeout: 600_000 }, (_, line) => {
      checkCommand(line);
    });
  });
}

function bare(line: string): string {
  return line.replace(/^npx (?=heed )/, '');
}

function checkCommand(line: string): void {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    packageManager: string;
    scripts: Record<string, string>;
  };
  const words = line.split(/ +/);
  if (line.startsWith('npx -y pnpm@')) {
    expect(words[2]).toBe(manifest.packageManager);
    const filtered = words[3] === '--filter';
    const own = filtered ? manifestOf(words[4]!).scripts : manifest.scripts;
    expect(Object.keys(own)).toContain(words[filtered ? 5 : 3]);
  } else if (line.startsWith('npm install ')) {
    for (const name of words.slice(2).filter((word) => word.startsWith('@heed/'))) manifestOf(name);
  } else if (line.startsWith('node node_modules/@heed/')) {
    const [, owner, file] = /^node node_modules\/(@heed\/[^/]+)\/(.+)$/.exec(line)!;
    const { folder: installed } = manifestOf(owner!);
    expect(existsSync(path.join(installed, file!)), file).toBe(true);
  } else if (/^node --\S+ program\.js$/.test(line)) {
    const flag = words[1]!;
    expect(Object.keys(firstNodeWith)).toContain(flag);
    if (Number.parseInt(process.versions.node) < firstNodeWith[flag]!) return;
    const result = spawnSync('node', [flag, '--eval', ''], { encoding: 'utf8' });
    expect(result.status, result.stderr).toBe(0);
  } else if (line.startsWith('npm create ')) {
    manifestOf(`create-${words[2]}`);
  } else if (/^(npx )?heed /.test(line)) {
    const heed = path.join(ROOT, 'apps/cli/bin/heed.js');
    const args = words.slice(words.indexOf('heed') + 1);
    // A command may end with 1 where it reports a finding; 2 is a usage error.
    const result = spawnSync('node', [heed, ...args], { encoding: 'utf8', cwd: folder });
    expect(result.status, result.stderr).toBeLessThan(2);
  } else {
    throw new Error(`no check for the command "${line}": add one, or leave it out of the document`);
  }
}

function manifestOf(name: string): { scripts: Record<string, string>; folder: string } {
  const places = ['packages/*', 'apps/*', 'conformance', 'conformance/*', 'benchmarks'].flatMap((place) =>
    place.endsWith('*') ? [place.replace('*', name.replace('@heed/', ''))] : [place],
  );
  for (const place of places) {
    try {
      const manifest = JSON.parse(readFileSync(path.join(ROOT, place, 'package.json'), 'utf8')) as {
        name: string;
        scripts: Record<string, string>;
      };
      if (manifest.name === name) return { ...manifest, folder: path.join(ROOT, place) };
    } catch {
      continue;
    }
  }
  throw new Error(`${name} is not a package of this project`);
}
