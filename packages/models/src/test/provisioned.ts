import { openSafetensors } from '@heed/layers';
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

const CACHE = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'heed');

/** A folder that `provision` made, whose absence is an error that says so. */
export class Provisioned {
  readonly #folder: string;

  constructor(name: string) {
    this.#folder = path.join(CACHE, name);
  }

  async bytes(name: string): Promise<Uint8Array> {
    return this.#read(name, (file) => readFile(file));
  }

  async json(name: string): Promise<object> {
    return JSON.parse(new TextDecoder().decode(await this.bytes(name))) as object;
  }

  async weights(name = 'model.safetensors'): ReturnType<typeof openSafetensors> {
    return openSafetensors(await this.#read(name, (file) => openAsBlob(file)));
  }

  async #read<T>(name: string, read: (file: string) => Promise<T>): Promise<T> {
    const file = path.join(this.#folder, name);
    try {
      return await read(file);
    } catch (cause) {
      throw new Error(`${file} cannot be read: run pnpm --filter @heed/models provision`, { cause });
    }
  }
}
