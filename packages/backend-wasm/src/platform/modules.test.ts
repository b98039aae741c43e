import { describe, expect, test } from 'vitest';
import type { KernelModule } from '../plan/plan.ts';
import { tinyModule } from '../test/tiny-module.ts';
import { ModuleCache } from './modules.ts';

const memory = new WebAssembly.Memory({ initial: 1 });

function counted(key: string): KernelModule & { times: number } {
  const module = {
    key,
    times: 0,
    generate() {
      module.times++;
      return tinyModule(false);
    },
  };
  return module;
}

describe('modules', () => {
  test('are compiled once for each key, also when they are asked for at the same time', async () => {
    const cache = new ModuleCache(memory, () => undefined);
    const a = counted('a');
    const leases = await Promise.all([cache.lease(a), cache.lease(a), cache.lease(counted('b'))]);
    expect(a.times).toBe(1);
    expect(leases[0]!.module).toBe(leases[1]!.module);
    expect(leases[2]!.module.id).not.toBe(leases[0]!.module.id);
  });

  test('are kept while they are used; of the others the last used', async () => {
    const dropped: number[] = [];
    const cache = new ModuleCache(memory, (id) => dropped.push(id));
    const used = await cache.lease(counted('used'));
    for (let n = 0; n < 50; n++) (await cache.lease(counted(`${n}`))).release();
    await Promise.resolve();
    expect(cache.size).toBe(33);
    expect(dropped).toHaveLength(18);
    expect(dropped).not.toContain(used.module.id);
    const late = counted('49');
    await cache.lease(late);
    expect(late.times).toBe(0);
  });

  test('that the engine refuses are an error, and are tried again', async () => {
    const cache = new ModuleCache(memory, () => undefined);
    const wrong = { key: 'a', generate: () => new Uint8Array([1, 2, 3]) };
    await expect(cache.lease(wrong)).rejects.toMatchObject({ code: 'ENGINE' });
    expect((await cache.lease(counted('a'))).module.id).toBe(2);
  });
});
