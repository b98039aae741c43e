import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { absentEngine } from './absent-engine.ts';
import { type Block, documented, promisedOutput } from './blocks.ts';
import { type Part, partOf } from './parts.ts';

const compilerOptions = {
  extends: '../../../../tsconfig.base.json',
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

/** Defines the tests of a part of the programs. */
export function testPrograms(part: Part): void {
  const folder = path.resolve(import.meta.dirname, '../.blocks', part);
  const programs = documented.filter(({ language, code }) => language === 'ts' && partOf(code) === part);

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
    programs.forEach((program, index) => {
      const { code, place } = program;
      writeFileSync(path.join(folder, `${fileOf(program, index)}.ts`), `// ${place}\n${code}\nexport {};\n`);
    });
    const compiled = spawnSync('tsc', ['-p', folder], { encoding: 'utf8', shell: true });
    expect(compiled.stdout + compiled.stderr).toBe('');
  });

  describe('programs in READMEs and docstrings compile, run, and print what they say', () => {
    test.for(programs.map((program, index) => [program.place, program, index] as const))(
      '%s',
      async ([, program, index], { skip }) => {
        const absent = await absentEngine(program.code);
        skip(absent !== null, absent ?? '');
        const file = path.join(folder, 'dist', `${fileOf(program, index)}.js`);
        if (file.endsWith('.test.js')) {
          execFileSync('vitest', ['run', '--dir', path.dirname(file), path.basename(file)], {
            cwd: folder,
            shell: true,
          });
          return;
        }
        const printed = execFileSync('node', [file], { encoding: 'utf8', cwd: folder });
        const promised = promisedOutput(program.code);
        if (promised.length > 0) expect(printed.trimEnd().split('\n')).toEqual(promised);
      },
    );
  });
}

function fileOf({ code }: Block, index: number): string {
  return code.includes("from 'vitest'") ? `block-${index}.test` : `block-${index}`;
}
