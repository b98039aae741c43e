import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileC, isProvisioned } from '../llama-cpp/place.ts';
import { interpreterOf } from '../python/environment.ts';

const FOLDER = fileURLToPath(new URL('../../defects', import.meta.url));

/** A run of a reproduction in one version of its library. */
export interface DefectRun {
  /** `there`: exit code 1; `gone`: exit code 0; `absent`: the library could not be imported, or the script broke. */
  readonly state: 'there' | 'gone' | 'absent';
  /** Such as `onnx 1.23.2`; empty if it is absent. */
  readonly version: string;
  /** The last line that it printed. */
  readonly words: string;
}

/** The folders in `defects`. */
export const defectNames = (): string[] => readdirSync(FOLDER).sort();

/** A file of a defect. */
export const defectFile = (name: string, file: string): string => path.join(FOLDER, name, file);

/**
 * Runs the reproduction of a defect: a Python one in each environment, one in JavaScript in this Node, one in C with the
 * library that `provision` made.
 */
export function runDefect(name: string): readonly DefectRun[] {
  const [python, c] = [defectFile(name, 'reproduce.py'), defectFile(name, 'reproduce.c')];
  if (existsSync(c)) return [runC(c)];
  if (!existsSync(python)) return [run(process.execPath, [defectFile(name, 'reproduce.mjs')])];
  return (['current', 'previous'] as const)
    .map((environment) => interpreterOf(environment))
    .map((interpreter) => run(interpreter, ['-W', 'ignore', python]));
}

function runC(source: string): DefectRun {
  if (!isProvisioned()) return { state: 'absent', version: '', words: 'ggml is not here' };
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-defect-'));
  try {
    compileC(source, path.join(folder, 'reproduce'));
    return run(path.join(folder, 'reproduce'), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Without a line `LIBRARY VERSION: …`, a script says nothing about the defect, whatever its exit code. */
function run(command: string, words: readonly string[]): DefectRun {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  const version = /^(\S+ \d[^:\s]*): /m.exec(stdout ?? '')?.[1];
  if (version === undefined || (status !== 0 && status !== 1)) {
    return { state: 'absent', version: '', words: lastLine(stderr ?? `${command} is not here`) };
  }
  return { state: status === 1 ? 'there' : 'gone', version, words: lastLine(stdout) };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
