import { type BackendProvider, HeedError, checkContract } from '@heed/core';
import { shown, textOf } from '@heed/core/backend';

/**
 * Imports the provider that a module exports by default.
 *
 * @throws HeedError `UNAVAILABLE` when the module cannot be imported; `ARGUMENT` when it exports something else;
 * `CONTRACT_VERSION` when the provider speaks another version of the contract.
 */
export async function importProvider(url: string, name: string): Promise<BackendProvider> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(url)) as typeof module;
  } catch (error) {
    throw new HeedError('UNAVAILABLE', `${name} cannot be imported: ${firstLine(error)}`, {
      cause: error,
      remedy: `see what \`node --eval "import('${url}')"\` says`,
    });
  }
  const provider = module.default as Partial<BackendProvider> | null | undefined;
  if (typeof provider !== 'object' || provider === null || provider.contract === undefined) {
    throw notProvider(name, provider);
  }
  checkContract(provider as BackendProvider);
  const { name: own, probe, create } = provider;
  if (typeof own !== 'string' || typeof probe !== 'function' || typeof create !== 'function') {
    throw notProvider(name, provider);
  }
  return provider as BackendProvider;
}

/**
 * Imports the failures that a provider's module expects of itself, by case: its export `expectedFailures`, a record of
 * reasons, or none.
 *
 * @throws HeedError `ARGUMENT` when it exports something else by that name.
 */
export async function importExpectedFailures(url: string, name: string): Promise<Record<string, string>> {
  const { expectedFailures = {} } = (await import(url)) as { readonly expectedFailures?: unknown };
  const isRecord =
    typeof expectedFailures === 'object' &&
    expectedFailures !== null &&
    Object.values(expectedFailures).every((reason) => typeof reason === 'string');
  if (isRecord) return expectedFailures as Record<string, string>;
  throw new HeedError('ARGUMENT', `${name} exports expectedFailures that are not a record of reasons`, {
    remedy: "write export const expectedFailures = { 'empty/every-row': 'why it fails' }",
  });
}

function notProvider(name: string, value: object | null | undefined): HeedError {
  const what = value === undefined ? 'nothing' : describe(value);
  return new HeedError('ARGUMENT', `${name} exports ${what} by default; expected a backend provider`, {
    remedy: 'export default { contract: 1, name, probe, create }: see BackendProvider of @heed/core',
  });
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value);
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object of ${keys.slice(0, 6).join(', ')}`;
}

/** First line of an error's message. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : textOf(error);
  return text.split('\n', 1)[0]!;
}
