import type { ComputeDType } from '@heed/core';
import { type Code, ModuleBuilder, i32 } from '@heed/core/wasm';
import type { Forms } from '../memory/blocks.ts';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import { type Element, elementOf } from '../module/element.ts';
import { type Fill, type Work, compute } from '../platform/compute.ts';
import type { Engine } from '../platform/engine.ts';
import type { ModuleLease } from '../platform/modules.ts';
import type { Phase } from '../plan/plan.ts';

/** Addresses and numbers that kernels of operations read from a frame, each of them a few. */
const FIELDS = [
  'input',
  'weight',
  'bias',
  'residual',
  'output',
  'dInput',
  'dOutput',
  'dWeight',
  'dBias',
  'sums',
  'rows',
  'blocks',
  'elements',
  'seedLow',
  'seedHigh',
  'stream',
] as const;

const INDEX = Object.fromEntries(FIELDS.map((field, n) => [field, n])) as Record<Field, number>;

export type Field = (typeof FIELDS)[number];

/** Numbers, or tensors in place of their addresses; 0 where there is none. */
export type Fields = Readonly<Partial<Record<Field, number | WasmTensor | undefined>>>;

/** A function that gives the code that reads a field. */
export function fieldsOf(frame: Code<'i32'>): (field: Field) => Code<'i32'> {
  return (field) => i32.load(frame, 4 * INDEX[field]);
}

/** Work of a kernel; the address of the scratch that threads share is the field `sums`. */
type Operation = Omit<Work, 'frameBytes'>;

/** All tasks of an export. */
export function phaseOf(name: string, tasks: number): Phase {
  return { export: name, firstTask: 0, tasks };
}

/**
 * Computes new tensors by a kernel whose frame has these fields.
 *
 * @param forms of results, by the fields of their addresses.
 */
export function runOperation<K extends Field>(
  engine: Engine,
  operation: Operation,
  forms: Forms<K>,
  fields: Fields,
  signal: AbortSignal | undefined,
): Promise<Record<K, WasmTensor>> {
  const work = { ...operation, frameBytes: 4 * FIELDS.length };
  const fill: Fill<K> = ({ frame, shared }, results) => {
    const words = new Uint32Array(engine.heap.memory.buffer, frame, FIELDS.length).fill(0);
    words[INDEX.sums] = shared;
    for (const values of [fields, results as Fields]) {
      for (const name of Object.keys(values) as Field[]) {
        const value = values[name];
        if (value !== undefined) words[INDEX[name]] = typeof value === 'number' ? value : value.address;
      }
    }
  };
  return compute(engine, work, forms, fill, signal);
}

/** Properties of every module of an operation. */
interface OperationVariant {
  readonly dtype: ComputeDType;
}

/**
 * Leases the module that `write` writes for these properties.
 *
 * @param name distinguishes modules of equal properties.
 */
export function leaseOperation<V extends OperationVariant>(
  { modules, planOptions: { shared, relaxedSimd, wide } }: Engine,
  name: string,
  variant: V,
  write: (module: ModuleBuilder, element: Element, variant: V) => void,
): Promise<ModuleLease> {
  return modules.lease({
    key: `${name} ${JSON.stringify(variant)}`,
    generate() {
      const module = new ModuleBuilder();
      write(module, elementOf(variant.dtype, relaxedSimd, wide), variant);
      return module.build(shared ? 'shared' : 'unshared');
    },
  });
}
