import type { Machine } from '@heed/benchmarks';
import { loadCapture } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import type { Diagnosis } from '../backends/diagnose.ts';
import { importProvider } from '../backends/provider.ts';
import { locate } from '../backends/resolve.ts';
import { type Agreement, agreementOf } from './agreement.ts';
import { type Example, examplesOf } from './example.ts';
import { type Speed, speedOf } from './speed.ts';

/** Everything that the demo found. Plain JSON. */
export interface Demo {
  readonly machine: Machine;
  readonly backends: readonly Diagnosis[];
  readonly agreement: readonly Agreement[];
  /** Name of the backend that computed the examples. */
  readonly examplesBy: string;
  readonly examples: readonly Example[];
  readonly speed: Speed;
}

/** Receives results as soon as they are known. */
export interface Listener {
  say(text: string): void;
  backends(backends: readonly Diagnosis[]): void;
  agreement(agreement: readonly Agreement[]): void;
  examples(examples: readonly Example[], by: string): void;
  speed(speed: Speed, machine: Machine): void;
}

const CAPTURES = ['bank-river', 'bank-money'] as const;

/** Runs the model's attention on every backend that can run here: checks it, draws it, and times it. */
export async function runDemo(
  diagnose: () => Promise<readonly Diagnosis[]>,
  lengths: readonly number[],
  listener: Listener,
): Promise<Demo> {
  const backends = await diagnose();
  listener.backends(backends);
  const providers = await providersOf(backends);

  const captures = await Promise.all(CAPTURES.map(loadCapture));
  const named = Object.fromEntries(captures.map((capture, index) => [CAPTURES[index]!, capture]));
  const agreement: Agreement[] = [];
  for (const provider of providers.filter(isNotReference)) {
    listener.say(`agreement: ${provider.name}`);
    agreement.push(await agreementOf(provider, named));
  }
  listener.agreement(agreement);

  // The reference is always available.
  const seer = providers[0]!;
  listener.say(`weights: ${seer.name}`);
  const examples = await examplesOf(seer, captures);
  listener.examples(examples, seer.name);

  const contestants = backends
    .filter((backend) => backend.status === 'available' && isNotReference(backend))
    .map(({ name, specifier }) => ({ name, module: locate(specifier).url }));
  const { speed, machine } = await speedOf(contestants, lengths, listener.say);
  listener.speed(speed, machine);
  return { machine, backends, agreement, examplesBy: seer.name, examples, speed };
}

function isNotReference({ name }: { readonly name: string }): boolean {
  return name !== 'reference';
}

async function providersOf(backends: readonly Diagnosis[]): Promise<BackendProvider[]> {
  const available = backends.filter(({ status }) => status === 'available');
  return Promise.all(
    available.map(({ specifier }) => {
      const { url, name } = locate(specifier);
      return importProvider(url, name);
    }),
  );
}
