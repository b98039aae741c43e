import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Ended, outcomeOf, run, strangersEnvironment } from '../run.ts';

/** A user's folder, independent of this workspace. */
export interface Project {
  readonly folder: string;
  write(file: string, text: string): string;
  read(file: string): string;
  /** Runs a command that must succeed there. */
  run(command: string, ...words: readonly string[]): Promise<Ended>;
  /** Runs a command there, whatever its exit code. */
  outcome(command: string, ...words: readonly string[]): Promise<Ended>;
}

/** Environment of the users: a folder for their projects, and the registry that they install from. */
export interface World {
  readonly home: string;
  readonly registry: string;
}

/** Creates a folder that has only a package.json. */
export function emptyProject(world: World, name: string, manifest: object = {}): Project {
  const project = projectAt(world, mkdtempSync(path.join(world.home, `${name}-`)));
  project.write(
    'package.json',
    JSON.stringify({ name, version: '1.0.0', private: true, type: 'module', ...manifest }),
  );
  return project;
}

/** Returns the project of an existing folder. */
export function projectAt(world: World, folder: string): Project {
  const env = strangersEnvironment(world.registry, world.home);
  return {
    folder,
    write(file, text) {
      const target = path.join(folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
      return target;
    },
    read: (file) => readFileSync(path.join(folder, file), 'utf8'),
    run: (command, ...words) => run(command, words, { cwd: folder, env }),
    outcome: (command, ...words) => outcomeOf(command, words, { cwd: folder, env }),
  };
}

/** Runs `npx heed … --json` in a project and reads the object that it prints. */
export async function heedJSON<T>(
  project: Project,
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly value: T }> {
  const { code, stdout, stderr } = await project.outcome('npx', '--no', 'heed', ...words, '--json');
  if (stdout === '') throw new Error(`heed ${words.join(' ')} printed nothing: ${stderr}`);
  return { code, value: JSON.parse(stdout) as T };
}
