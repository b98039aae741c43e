import { CONTRACT_VERSION, FEATURES, GUARANTEES, OPERATIONS, resolveRequest } from '@heed/core';
import { STORED_TYPES } from '@heed/core/backend';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { behavior, ensure, withBackend } from '../building/behavior.ts';
import type { Purposes } from '../building/purposes.ts';

export const contractPurposes: Purposes = {
  contract: 'Providers, backends and kernels say of themselves what the contract asks.',
  'contract/provider': 'A provider says the version of the contract and its name.',
  'contract/probe-is-repeatable': 'probe() has no effect: it may be asked again beside a running backend.',
  'contract/backend': 'A backend bears the version, the name of its provider, and what really runs.',
  'contract/device-stays-what-it-is': 'The device of a backend does not change by running.',
  'contract/capabilities-are-frozen-plain-data':
    'Capabilities are frozen plain data that can be logged, compared and sent.',
  'contract/capabilities-are-known':
    'Capabilities name what the contract knows, each once, float32 among them, and operations that are there.',
  'contract/kernel': "A kernel's problem is the one that was compiled, in its normal form.",
  'contract/plan': 'A plan names an algorithm; tile lengths and bytes of scratch are integers ≥ 0.',
  'contract/problem-from-json': 'A problem that went through JSON is the same problem.',
  'contract/backends-are-independent':
    'create() makes backends that share nothing: the end of one is not that of another.',
};

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.trim().length > 0;
}

function ensureKnown(kind: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  ensure(unknown === undefined, `capabilities.${kind} has ${unknown}, which the contract does not know`);
  ensure(new Set(names).size === names.length, `capabilities.${kind} names something twice`);
}

const PLANNED: Readonly<Record<string, Sketch>> = {
  plan: { queryLength: 3, keyLength: 5 },
  'plan/no-queries': { queryLength: 0, keyLength: 5 },
  'plan/no-keys': { queryLength: 3, keyLength: 0, outputs: ['output', 'weights'] },
  'plan/value-size-gradient': { queryLength: 3, keyLength: 8, valueDim: 6, gradient: true },
};

function plan(name: string, sketch: Sketch): BehaviorCase {
  return behavior('contract', name, sketch, async ({ backend }) => {
    const kernel = await backend.compile(resolveRequest(requestOf(sketch, 'contract')).problem);
    await kernel.dispose();
    const { algorithm, tile, scratchBytes } = kernel.plan;
    ensure(isName(algorithm), 'plan.algorithm is empty');
    const counts = [tile?.query, tile?.key, scratchBytes];
    ensure(
      counts.every((count) => Number.isSafeInteger(count) && count >= 0),
      `plan.tile and plan.scratchBytes must be integers ≥ 0, they are ${counts.join(', ')}`,
    );
  });
}

/** Clause `contract`: what a provider, a backend and a kernel say of themselves. */
export function contractCases(): ConformanceCase[] {
  const problem = () => resolveRequest(requestOf({ queryLength: 3, keyLength: 5 }, 'contract')).problem;
  return [
    behavior('contract', 'provider', [], async ({ provider }) => {
      ensure(provider.contract === CONTRACT_VERSION, `the provider's contract is not ${CONTRACT_VERSION}`);
      ensure(isName(provider.name), 'the provider has no name');
    }),
    behavior('contract', 'probe-is-repeatable', [], async ({ provider }) => {
      for (let n = 0; n < 2; n++) {
        const { available } = await provider.probe();
        ensure(available === true, 'probe() says that the engine cannot run, while a backend of it runs');
      }
    }),
    behavior('contract', 'backend', [], async ({ provider, backend }) => {
      ensure(backend.contract === CONTRACT_VERSION, `the backend's contract is not ${CONTRACT_VERSION}`);
      ensure(isName(backend.device), 'device is empty: it says what really runs');
      ensure(
        backend.name === provider.name,
        `the provider ${provider.name} made a backend named ${backend.name}: is it another engine?`,
      );
    }),
    behavior('contract', 'device-stays-what-it-is', [], async ({ backend }) => {
      const before = backend.device;
      const { problem: other, inputs } = resolveRequest(requestOf({ queryLength: 40 }, 'device'));
      const kernel = await backend.compile(other);
      await kernel.run(inputs);
      await kernel.dispose();
      ensure(backend.device === before, `device was ${before}, after a run it is ${backend.device}`);
    }),
    behavior('contract', 'capabilities-are-frozen-plain-data', [], async ({ backend }) => {
      const { capabilities } = backend;
      const { dtypes, features, guarantees } = capabilities;
      const { operations = Object.freeze([]), weightTypes = Object.freeze([]) } = capabilities;
      const parts = [capabilities, dtypes, features, guarantees, operations, weightTypes];
      ensure(parts.every(Object.isFrozen), 'capabilities and its lists must be frozen');
      ensure(
        JSON.stringify(structuredClone(capabilities)) === JSON.stringify(capabilities),
        'capabilities are not plain data',
      );
      ensure(
        backend.capabilities === capabilities || sameJson(backend.capabilities, capabilities),
        'they change',
      );
    }),
    behavior('contract', 'capabilities-are-known', [], async ({ backend }) => {
      const { dtypes, features, guarantees, operations = [], weightTypes = [] } = backend.capabilities;
      ensureKnown('operations', operations, OPERATIONS);
      ensureKnown('weightTypes', weightTypes, STORED_TYPES);
      ensure(
        weightTypes.length === 0 || operations.includes('linear'),
        'capabilities.weightTypes are those of linear, which is not declared',
      );
      for (const name of ['linear', 'norm', 'rotary', 'embedding', 'elementDropout'] as const) {
        ensure(
          operations.includes(name) === (backend[name] !== undefined),
          `capabilities.operations and backend.${name} disagree: either both or neither`,
        );
      }
      for (const part of ['linear.residual', 'linear.gate', 'linear.argument'] as const) {
        ensure(
          operations.includes('linear') || !operations.includes(part),
          `capabilities.operations has ${part} without linear`,
        );
      }
      ensureKnown('dtypes', dtypes, ['float32', 'float64', 'float16', 'bfloat16']);
      ensureKnown('features', features, FEATURES);
      ensureKnown('guarantees', guarantees, GUARANTEES);
      ensure(
        dtypes.includes('float32'),
        'capabilities.dtypes lacks float32, which every backend computes in',
      );
      ensure(
        !features.includes('gradient') || features.includes('statistics'),
        'gradient is declared without statistics, which it takes from the forward run',
      );
    }),
    behavior('contract', 'kernel', [], async ({ backend }) => {
      const kernel = await backend.compile(problem());
      await kernel.dispose();
      ensure(sameJson(kernel.problem, problem()), 'kernel.problem is not the problem that was compiled');
    }),
    ...Object.entries(PLANNED).map(([name, sketch]) => plan(name, sketch)),
    behavior('contract', 'problem-from-json', [], async ({ backend }) => {
      const kernel = await backend.compile(JSON.parse(JSON.stringify(problem())));
      const { output } = await kernel.run(
        resolveRequest(requestOf({ queryLength: 3, keyLength: 5 }, 'contract')).inputs,
      );
      await kernel.dispose();
      ensure(output?.shape.join() === '2,2,3,8', 'a problem that went through JSON is not computed');
    }),
    behavior('contract', 'backends-are-independent', [], async (subject) => {
      await withBackend(subject, async (other) => {
        ensure(
          other !== subject.backend,
          'create() gives the same backend twice: disposing one ends the other',
        );
        const kernel = await other.compile(problem());
        await other.dispose();
        await kernel.dispose();
      });
      const kernel = await subject.backend.compile(problem());
      await kernel.dispose();
    }),
  ];
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
