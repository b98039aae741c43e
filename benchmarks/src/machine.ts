import { createRequire } from 'node:module';
import os from 'node:os';

/** Machine and runtime of a measurement. */
export interface Machine {
  readonly cpu: string;
  /** Number of logical processors. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Operating system: `Linux 6.1.0 x64`. */
  readonly os: string;
  readonly node: string;
  readonly v8: string;
}

/** Returns the machine and the runtime of this process. */
export function machineFacts(): Machine {
  const processors = os.cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: os.totalmem(),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

/** Returns the versions of the packages that are installed here, without the others. */
export function installedVersions(packages: readonly string[]): Record<string, string> {
  const require = createRequire(import.meta.url);
  const entries = packages.flatMap((name): [string, string][] => {
    try {
      return [[name, (require(`${name}/package.json`) as { version: string }).version]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(entries);
}
