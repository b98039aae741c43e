import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { absentEngine } from './absent-engine.ts';
import { type Block, documented, promisedOutput } from './blocks.ts';
import { compile } from './compile.ts';
import { type Part, partOf } from './parts.ts';

/** Defines the tests of a part of the programs. */
export function testPrograms(part: Part): void {
  const folder = path.resolve(import.meta.dirname, '../.blocks', part);
  const programs = documented.filter(
    ({ language, file, code }) => language === 'ts' && file === '' && partOf(code) === part,
  );

  beforeAll(() => {
    const files = programs.map((program, index) => {
      const { code, place } = program;
      return [`${fileOf(program, index)}.ts`, `// ${place}\n${code}\nexport {};\n`] as const;
    });
    compile(folder, Object.fromEntries(files));
    // Its own: the nearest one further up looks for .ts files.
    writeFileSync(
      path.join(folder, 'vitest.config.js'),
      "export default { test: { include: ['**/*.test.js'], testTimeout: 60_000 } };",
    );
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
