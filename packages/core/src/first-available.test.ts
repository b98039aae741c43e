import { describe, expect, test, vi } from 'vitest';
import {
  type AttentionBackend,
  type BackendProvider,
  HeedError,
  firstAvailable,
  resolveRequest,
  tensor,
} from './index.ts';
import { defineBackend } from './backend/index.ts';
import reference from './reference/index.ts';

const x = tensor(new Float32Array([1, 2]), [1, 1, 2, 1]);
const { problem: causal } = resolveRequest({ query: x, key: x, value: x, causal: true });

const plain = (): AttentionBackend =>
  defineBackend({
    name: 'plain',
    device: 'none',
    capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
    compile: () => Promise.reject(new Error('never compiled')),
  });

/** The reference's provider with another name and some members replaced. */
function provider(name: string, changes: Partial<BackendProvider> = {}): BackendProvider {
  return { ...(reference as BackendProvider), name, ...changes };
}

const absent = provider('absent', {
  probe: async () => ({ available: false, reason: 'no such engine', remedy: 'npm install it' }),
});

describe('firstAvailable', () => {
  test('takes the first that can be used, and does not touch the rest', async () => {
    const probe = vi.fn<BackendProvider['probe']>();
    const { backend, skipped } = await firstAvailable([provider('first'), provider('second', { probe })]);
    expect(backend.name).toBe('reference');
    expect(skipped).toEqual([]);
    expect(probe).not.toHaveBeenCalled();
  });

  test('says why it skipped the others', async () => {
    const throwing = provider('throwing', { probe: () => Promise.reject(new Error('lost my mind')) });
    const bare = provider('bare', { probe: () => Promise.reject(Object.create(null)) });
    const strange = provider('strange', { contract: 7 as never });
    const broken = provider('broken', {
      create: () => Promise.reject(new HeedError('ENGINE', 'will not start', { remedy: 'kick it' })),
    });
    const limited = provider('limited', { create: async () => plain() });
    const { backend, skipped } = await firstAvailable(
      [absent, throwing, bare, strange, broken, limited, reference as BackendProvider],
      causal,
    );
    expect(backend.name).toBe('reference');
    expect(skipped).toMatchObject([
      { name: 'absent', reason: 'no such engine', remedy: 'npm install it' },
      { name: 'throwing', reason: 'lost my mind' },
      { name: 'bare', reason: 'object' },
      { name: 'strange', reason: expect.stringContaining('contract version 7') },
      { name: 'broken', reason: 'will not start', remedy: 'kick it' },
      { name: 'limited', reason: expect.stringMatching(/^causal: /) },
    ]);
  });

  test('asks about the problem only where there is one', async () => {
    const limited = provider('limited', { create: async () => plain() });
    expect((await firstAvailable([limited])).backend.name).toBe('plain');
  });

  test.each([
    ['does not support the problem', (backend: AttentionBackend) => backend.supports],
    [
      'throws when asked',
      () => (): never => {
        throw new Error('confused');
      },
    ],
  ])('disposes a backend that %s', async (_, supportsOf) => {
    const backend = plain();
    const dispose = vi.fn<AttentionBackend['dispose']>(() => backend.dispose());
    const limited = provider('limited', {
      create: async () => ({ ...backend, supports: supportsOf(backend), dispose }),
    });
    const { skipped } = await firstAvailable([limited, reference as BackendProvider], causal);
    expect(skipped).toHaveLength(1);
    expect(dispose).toHaveBeenCalledOnce();
  });

  test.each([undefined, null, reference, 'wasm', 3])('refuses %j for a list of providers', async (given) => {
    await expect(firstAvailable(given as never)).rejects.toMatchObject({
      code: 'ARGUMENT',
      remedy: expect.stringContaining('firstAvailable(['),
    });
  });

  test('names what is not a provider, and goes on', async () => {
    const { backend, skipped } = await firstAvailable([undefined, 'wasm', {}, reference] as never);
    expect(backend.name).toBe('reference');
    expect(skipped.map(({ reason }) => reason)).toEqual(Array(3).fill(expect.stringContaining('contract')));
  });

  test('refuses what is not a problem, such as a request', async () => {
    const request = { query: x, key: x, value: x };
    await expect(firstAvailable([reference], request as never)).rejects.toMatchObject({
      code: 'UNKNOWN_OPTION',
    });
    await expect(firstAvailable([reference], 'causal' as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  test('with none that can be used, names every reason and remedy', async () => {
    const limited = provider('limited', { create: async () => plain() });
    await expect(firstAvailable([absent, limited], causal)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/absent: no such engine \(npm install it\); limited: causal: /),
      remedy: expect.stringContaining('@heed/backend-ts'),
    });
    await expect(firstAvailable([])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
