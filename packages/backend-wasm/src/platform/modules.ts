import { HeedError } from '@heed/core';
import type { KernelModule } from '../plan/plan.ts';
import type { TeamModule } from './threads/job.ts';

/** Number of modules kept while no kernel uses them: the lengths and batches of a model mostly share a few. */
const KEPT = 32;

interface Entry {
  readonly module: Promise<TeamModule>;
  readonly key: string;
  users: number;
}

/** A module in use. */
export interface ModuleLease {
  readonly module: TeamModule;
  /** Call it once. */
  release(): void;
}

/** Compiled modules, one for each key, shared by all kernels that use it. */
export class ModuleCache {
  private readonly memory: WebAssembly.Memory;
  private readonly onDrop: (id: number) => void;
  /** Modules, the least recently used first. */
  private readonly entries = new Map<string, Entry>();
  private lastId = 0;

  /** @param onDrop called with the id of each module that is dropped. */
  constructor(memory: WebAssembly.Memory, onDrop: (id: number) => void) {
    this.memory = memory;
    this.onDrop = onDrop;
  }

  /** Number of modules. */
  get size(): number {
    return this.entries.size;
  }

  /** @throws HeedError `ENGINE` when the engine refuses the module. */
  async lease(kernel: KernelModule): Promise<ModuleLease> {
    const entry = this.entries.get(kernel.key) ?? this.add(kernel);
    entry.users++;
    this.entries.delete(entry.key);
    this.entries.set(entry.key, entry);
    try {
      return { module: await entry.module, release: () => this.release(entry) };
    } catch (error) {
      // Not another that has its place since.
      if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
      throw new HeedError('ENGINE', `WebAssembly refuses a kernel: ${String(error)}`, { cause: error });
    }
  }

  private add({ key, generate }: KernelModule): Entry {
    const entry = { key, users: 0, module: this.compile(++this.lastId, generate) };
    this.entries.set(key, entry);
    return entry;
  }

  private async compile(id: number, generate: () => Uint8Array): Promise<TeamModule> {
    const module = await WebAssembly.compile(generate() as Uint8Array<ArrayBuffer>);
    const instance = await WebAssembly.instantiate(module, { env: { memory: this.memory } });
    return { id, module, instance };
  }

  private release(entry: Entry): void {
    entry.users--;
    const unused = [...this.entries.values()].filter(({ users }) => users === 0);
    for (const { key, module } of unused.slice(0, Math.max(0, unused.length - KEPT))) {
      this.entries.delete(key);
      void module.then(({ id }) => this.onDrop(id));
    }
  }
}
