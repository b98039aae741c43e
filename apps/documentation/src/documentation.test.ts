import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { absentEngine } from './absent-engine.ts';
import { blocksOf, promisedOutput } from './blocks.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const folder = path.resolve(import.meta.dirname, '../.blocks');
const blocks = blocksOf(root);
const programs = blocks.filter(({ language }) => language === 'ts');
const commands = blocks.filter(({ language }) => language === 'sh');
const compilerOptions = {
  extends: '../../../tsconfig.base.json',
  compilerOptions: {
    composite: false,
    isolatedDeclarations: false,
    declaration: false,
    declarationMap: false,
    noUnusedLocals: false,
    types: ['node'],
    rootDir: '.',
    outDir: 'dist',
    tsBuildInfoFile: 'dist/.tsbuildinfo',
  },
  include: ['*.ts'],
};

// Documents change without this package changing: the folder of compiled blocks is made anew each time.
beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(compilerOptions));
  // Its own: the nearest one further up looks for .ts files.
  writeFileSync(
    path.join(folder, 'vitest.config.js'),
    "export default { test: { include: ['**/*.test.js'], testTimeout: 60_000 } };",
  );
  programs.forEach(({ code, place }, index) => {
    writeFileSync(path.join(folder, `${fileOf(index)}.ts`), `// ${place}\n${code}\nexport {};\n`);
  });
  const compiled = spawnSync('tsc', ['-p', folder], { encoding: 'utf8', shell: true });
  expect(compiled.stdout + compiled.stderr).toBe('');
});

const fileOf = (index: number): string =>
  programs[index]!.code.includes("from 'vitest'") ? `block-${index}.test` : `block-${index}`;

describe('programs in READMEs and docstrings compile, run, and print what they say', () => {
  test.for(programs.map(({ place }, index) => [place, index] as const))('%s', async ([, index], { skip }) => {
    const absent = await absentEngine(programs[index]!.code);
    skip(absent !== null, absent ?? '');
    const file = path.join(folder, 'dist', `${fileOf(index)}.js`);
    if (file.endsWith('.test.js')) {
      execFileSync('vitest', ['run', '--dir', path.dirname(file), path.basename(file)], {
        cwd: folder,
        shell: true,
      });
      return;
    }
    const printed = execFileSync('node', [file], { encoding: 'utf8', cwd: folder });
    const promised = promisedOutput(programs[index]!.code);
    if (promised.length > 0) expect(printed.trimEnd().split('\n')).toEqual(promised);
  });
});

describe('commands in READMEs exist', () => {
  const lines = commands.flatMap(({ code, place }) =>
    code
      .split('\n')
      .map((line) => line.replace(/ +#.*$/, '').trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [place, line] as const),
  );
  test.each(lines)('%s: %s', (_, line) => {
    checkCommand(line);
  });
});

function checkCommand(line: string): void {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
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
  } else if (line.startsWith('npm create ')) {
    manifestOf(`create-${words[2]}`);
  } else if (/^(npx )?heed /.test(line)) {
    const heed = path.join(root, 'apps/cli/bin/heed.js');
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
      const manifest = JSON.parse(readFileSync(path.join(root, place, 'package.json'), 'utf8')) as {
        name: string;
        scripts: Record<string, string>;
      };
      if (manifest.name === name) return { ...manifest, folder: path.join(root, place) };
    } catch {
      continue;
    }
  }
  throw new Error(`${name} is not a package of this project`);
}
