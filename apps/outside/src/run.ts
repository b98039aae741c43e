import { execFile } from 'node:child_process';
import path from 'node:path';

/** Root folder of the workspace. */
export const ROOT: string = path.resolve(import.meta.dirname, '../../..');

/** Result of a command. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default 180. */
  readonly limitSeconds?: number;
}

/** Runs a command, whatever its exit code. */
export function outcomeOf(
  command: string,
  words: readonly string[],
  { cwd, env = process.env, limitSeconds = 180 }: RunOptions,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26, timeout: limitSeconds * 1000 } as const;
    execFile(command, words, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: (error?.code as number | undefined) ?? 0, stdout, stderr });
    });
  });
}

/** Runs a command that must succeed. */
export async function run(command: string, words: readonly string[], options: RunOptions): Promise<Ended> {
  const ended = await outcomeOf(command, words, options);
  if (ended.code === 0) return ended;
  const said = [ended.stdout, ended.stderr].map((text) => text.trim().slice(-4000)).join('\n');
  throw new Error(`${command} ${words.join(' ')} ended with ${ended.code} in ${options.cwd}\n${said}`);
}

/** Returns the output of a command that must succeed. */
export async function stdoutOf(
  command: string,
  words: readonly string[],
  options: RunOptions,
): Promise<string> {
  return (await run(command, words, options)).stdout;
}

/**
 * Returns the environment of a user outside this workspace: no variables of its package manager, no
 * commands of its packages, and a registry.
 */
export function strangersEnvironment(registry: string, home: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|pnpm_|turbo_|vitest|node_path$|node_env$|init_cwd$|heed_|force_color$)/i.test(name),
  );
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return {
    ...Object.fromEntries(own),
    PATH: folders.filter((folder) => !folder.startsWith(ROOT)).join(path.delimiter),
    NO_COLOR: '1',
    npm_config_registry: registry,
    npm_config_userconfig: path.join(home, '.npmrc'),
    npm_config_cache: path.join(home, 'npm-cache'),
    npm_config_store_dir: path.join(home, 'pnpm-store'),
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  };
}
