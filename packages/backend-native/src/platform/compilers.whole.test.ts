import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { allCases, verify } from '@heed/conformance';
import {
  type AttentionBackend,
  type AttentionKernel,
  type BackendProvider,
  CONTRACT_VERSION,
  type Tensor,
} from '@heed/core';
import { type KernelDefinition, defineBackend } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import { createBackend } from '../backend.ts';
import { capabilities } from '../capabilities.ts';
import type { Binding } from './binding.ts';
import { targetName } from './target.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const scripts = async <T>(path: string): Promise<T> => (await import(at(`scripts/${path}`))) as T;
const { findCompiler } = await scripts<{ findCompiler(): { family: string } | null }>('build/compiler.mjs');
const { publishedFile } = await scripts<{ publishedFile(target: string): Promise<string> }>(
  'platforms/published.mjs',
);

/** One case in so many of the suite. */
const EVERY = 20;

/** The numbers of results by name, including those of statistics, which have an object of their own. */
function numbersOf(results: object): [string, Tensor['data']][] {
  return Object.entries(results).flatMap(([name, value]: [string, Tensor | object | undefined]) => {
    if (value === undefined) return [];
    return 'data' in value ? [[name, value.data]] : numbersOf(value);
  });
}

/** @throws AssertionError unless results have the same bits; one NaN is as good as another. */
function expectSameBits([one, other]: readonly object[]): void {
  const expected = new Map(numbersOf(other!));
  const numbers = numbersOf(one!);
  expect(numbers.map(([name]) => name)).toEqual([...expected.keys()]);
  for (const [name, data] of numbers) {
    const differing = data.findIndex((x, place) => !Object.is(x, expected.get(name)![place]));
    if (differing < 0) continue;
    expect.fail(`${name}[${differing}]: ${data[differing]} and ${expected.get(name)![differing]}`);
  }
}

async function both<T extends object>(
  kernels: readonly AttentionKernel[],
  run: (kernel: AttentionKernel) => Promise<T>,
): Promise<T> {
  const results = await Promise.all(kernels.map(run));
  expectSameBits(results);
  return results[0]!;
}

async function compileBoth(
  backends: readonly AttentionBackend[],
  problem: Parameters<AttentionBackend['compile']>[0],
): Promise<KernelDefinition> {
  const kernels = await Promise.all(backends.map((backend) => backend.compile(problem)));
  return {
    plan: kernels[0]!.plan,
    run: (inputs, { signal }) => both(kernels, (kernel) => kernel.run(inputs, { ...(signal && { signal }) })),
    ...(problem.gradient && {
      gradient: (inputs, forward, { signal }) =>
        both(kernels, (kernel) => kernel.gradient(inputs, forward, { ...(signal && { signal }) })),
    }),
    dispose: () => Promise.all(kernels.map((kernel) => kernel.dispose())).then(() => undefined),
  };
}

/** A backend that runs two native files, whose results must all have the same bits. */
function twins(files: readonly Binding[], level: string): BackendProvider {
  return {
    contract: CONTRACT_VERSION,
    name: 'native',
    probe: async () => ({ available: true }),
    async create() {
      const backends = files.map((file) => {
        const place = file.levels().findIndex(({ option }) => option === level);
        return createBackend(file, file.createTeam(place, 2), level);
      });
      return defineBackend({
        name: 'native',
        device: level,
        capabilities,
        compile: (problem) => compileBoth(backends, problem),
        dispose: () => Promise.all(backends.map((backend) => backend.dispose())).then(() => undefined),
      });
    },
  };
}

const own = at('build/heed.node');
const isComparable = existsSync(own) && findCompiler()?.family !== 'zig';

describe.runIf(isComparable)('files of two compilers', () => {
  test(
    'the published one and that of this machine have the same bits, at every level',
    { timeout: 900_000 },
    async () => {
      const require = createRequire(import.meta.url);
      const files = [own, await publishedFile(targetName())].map((file) => require(file) as Binding);
      const cases = (await allCases()).filter((_, n) => n % EVERY === 0);
      for (const { option } of files[0]!.levels()) {
        const { passed, clauses } = await verify(twins(files, option), { cases });
        expect({ option, failures: clauses.flatMap(({ failures }) => failures) }).toEqual({
          option,
          failures: [],
        });
        expect(passed).toBeGreaterThan(50);
      }
    },
  );
});
