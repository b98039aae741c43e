import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

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

/**
 * Compiles programs of documents into the folder `dist` of a folder. Documents change without this package changing: it is made
 * anew each time.
 *
 * @param files by name.
 */
export function compile(folder: string, files: Readonly<Record<string, string>>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(compilerOptions));
  for (const [name, code] of Object.entries(files)) writeFileSync(path.join(folder, name), code);
  const compiled = spawnSync('tsc', ['-p', folder], { encoding: 'utf8', shell: true });
  expect(compiled.stdout + compiled.stderr).toBe('');
}
