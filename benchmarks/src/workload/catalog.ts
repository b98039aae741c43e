import { checkOptions, integer, listOf } from '@heed/core/backend';
import { type Workload, minilmWorkload, workload } from './workload.ts';

/** Some workloads that answer one question. */
export interface WorkloadSet {
  readonly name: string;
  readonly about: string;
  readonly workloads: readonly Workload[];
}

/** Options of {@link catalog}. */
export interface CatalogOptions {
  /** Sequence lengths of `dense` and `causal`. Default 128, 256, … 16384. */
  readonly lengths?: readonly number[];
  /** Heads of `dense`, `causal`, `window` and `mask`. Default 1. */
  readonly heads?: number;
}

const LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192, 16384];
const HEADS = 1;

/** Grouped-query attention of a small language model of today: 14 query heads on 2 key/value heads of size 64. */
const GROUPED = { heads: 14, kvHeads: 2 } as const;

/** Every workload that `heed bench` knows, in sets. @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
export function catalog(options: CatalogOptions = {}): WorkloadSet[] {
  checkOptions('catalog()', options, { lengths: listOf(integer(1)), heads: integer(1) });
  const { lengths = LENGTHS, heads = HEADS } = options;
  return [
    {
      name: 'dense',
      about: 'every query attends to every key, over sequence lengths',
      workloads: lengths.map((length) => workload({ length, heads })),
    },
    {
      name: 'causal',
      about: 'each query attends to the keys before it, over sequence lengths',
      workloads: lengths.map((length) => workload({ length, heads, causal: true })),
    },
    {
      name: 'shapes',
      about: 'twelve heads of size 32, 64, 80 and 128, and a batch of 8',
      workloads: [
        ...[32, 64, 80, 128].map((headDim) => workload({ length: 512, headDim })),
        workload({ length: 128, batch: 8 }),
      ],
    },
    {
      name: 'decode',
      about: 'one query on a cache of grouped keys and values, which stays where the contestant keeps it',
      workloads: [1024, 8192, 65536].map((length) =>
        workload({ length, queryLength: 1, causal: true, ...GROUPED }),
      ),
    },
    {
      name: 'window',
      about: 'local attention: 256 keys on each side, or the 512 before',
      workloads: [
        workload({ length: 4096, heads, window: { left: 256, right: 256 } }),
        workload({ length: 4096, heads, causal: true, window: { left: 512, right: null } }),
      ],
    },
    {
      name: 'mask',
      about: 'a boolean mask that excludes a pair in four',
      workloads: [workload({ length: 512, heads, mask: true })],
    },
    {
      name: 'cross',
      about: 'few queries on many keys, and many on few',
      workloads: [
        workload({ length: 1500, queryLength: 64, heads: 6 }),
        workload({ length: 77, queryLength: 1024, heads: 8 }),
      ],
    },
    {
      name: 'gradient',
      about: 'forward and backward',
      workloads: [
        workload({ length: 512, gradient: true }),
        workload({ length: 512, causal: true, gradient: true }),
      ],
    },
    {
      name: 'minilm',
      about: 'two layers of a trained sentence model on 116 tokens: twelve heads of size 32',
      workloads: [minilmWorkload(0), minilmWorkload(5)],
    },
  ];
}

/**
 * The workloads of the catalog with one of the names, which are those of sets or of workloads. Each once.
 *
 * @returns the names that fit nothing, as well.
 */
export function selectWorkloads(
  names: readonly string[],
  options: CatalogOptions = {},
): { readonly workloads: readonly Workload[]; readonly unknown: readonly string[] } {
  const sets = catalog(options);
  const known = sets.flatMap((set) => set.workloads.map((of) => ({ of, names: [set.name, of.name] })));
  const chosen =
    names.length === 0 ? known : known.filter((one) => one.names.some((name) => names.includes(name)));
  return {
    workloads: [...new Map(chosen.map(({ of }) => [of.name, of])).values()],
    unknown: names.filter((name) => !known.some((one) => one.names.includes(name))),
  };
}
