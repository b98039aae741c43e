import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type AttentionResults,
  FEATURES,
  type GradientInputs,
  HeedError,
  type ResidentTensor,
  type Tensor,
  isResident,
} from '@heed/core';
import { type KernelDefinition, zeros } from '@heed/core/backend';
import type { Mutant } from './mutant.ts';
import { STEPS } from './steps.ts';

type Run = KernelDefinition['run'];
type Inputs = Parameters<Run>[0];

/** Changes the results of each run. */
function changed(
  clause: string,
  change: (results: AttentionResults, inputs: Inputs, run: number) => void,
): Mutant {
  let runs = 0;
  return around(clause, (run) => async (inputs, options) => {
    const results = await run(inputs, options);
    change(results, inputs, runs++);
    return results;
  });
}

/** Replaces each run. `run` is called once for each kernel. */
function around(clause: string, wrap: (run: Run) => Run): Mutant {
  return { clause, overrides: { kernel: (right) => ({ ...right, run: wrap(right.run) }) } };
}

function backend(clause: string, wrap: (right: AttentionBackend) => Partial<AttentionBackend>): Mutant {
  return { clause, overrides: { backend: (right) => Object.create(right, described(wrap(right))) } };
}

function kernel(clause: string, wrap: (right: AttentionKernel) => Partial<AttentionKernel>): Mutant {
  return backend(clause, (right) => ({
    compile: async (problem) => {
      const compiled = await right.compile(problem);
      return Object.create(compiled, described(wrap(compiled)));
    },
  }));
}

/** Replaces each uploaded tensor; kernels compute with the original inside. */
function resident(
  clause: string,
  wrap: (right: ResidentTensor, given: Tensor) => Partial<ResidentTensor>,
): Mutant {
  return backend(clause, (right) => {
    const insides = new WeakMap<object, ResidentTensor>();
    const inside = <T extends object>(structure: T): T =>
      Object.fromEntries(
        Object.entries(structure).map(([name, value]) => [name, insides.get(value as object) ?? value]),
      ) as T;
    return {
      async upload(given) {
        const uploaded = await right.upload(given);
        const outside = Object.assign(othersOf(uploaded), wrap(uploaded, given as Tensor));
        insides.set(outside, uploaded);
        return outside as typeof uploaded;
      },
      async compile(problem) {
        const compiled = await right.compile(problem);
        const members = {
          run: (inputs: AttentionInputs, options: never) => compiled.run(inside(inputs), options),
          gradient: (inputs: AttentionInputs, forward: GradientInputs, options: never) =>
            compiled.gradient(inside(inputs), inside(forward), options),
        };
        return Object.create(compiled, described(members));
      },
    };
  });
}

/** A resident tensor that delegates everything to another. */
function othersOf(right: ResidentTensor): ResidentTensor {
  return {
    resident: true,
    dtype: right.dtype,
    shape: right.shape,
    write: (part, at) => right.write(part, at),
    read: (slices) => right.read(slices),
    gather: (indices, options) => right.gather(indices, options),
    reorder: (indices) => right.reorder(indices),
    copy: () => right.copy(),
    view: (shape) => right.view(shape),
    hold: () => right.hold(),
    dispose: () => right.dispose(),
  };
}

function described(members: object): PropertyDescriptorMap {
  return Object.getOwnPropertyDescriptors(members);
}

function total({ data }: Tensor): number {
  let sum = 0;
  for (const number of data) sum += 0 * number;
  return sum;
}

function add(to: Tensor | undefined, number: number): void {
  to?.data.forEach((_, n) => (to.data[n]! += number));
}

/** Adds one unit in the last place. */
function nudge(numbers: Tensor['data'], from = 0): void {
  for (let n = from; n < numbers.length; n++) numbers[n]! *= 1 + 2 ** -22;
}

const missing = <T extends string>(names: readonly T[], name: T): T[] =>
  names.filter((other) => other !== name);

/** Backends that compute correctly and behave incorrectly, by their fault. */
export const CONTRACT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'padding leaks NaN': changed('padding', ({ output }, { value }) => add(output, total(value))),
  'padded queries leak NaN': changed('padding', ({ output }, { query }) => add(output, total(query))),
  'a NaN row poisons its neighbors': changed('nonfinite', ({ output }) => {
    if (output?.data.some(Number.isNaN)) output.data.fill(NaN);
  }),
  'a last bit that comes and goes': changed('repeat', ({ output }, _, run) => {
    if (run % 2 === 1 && output) nudge(output.data);
  }),
  'bits that depend on the place in the batch': changed('batch', ({ output }) => {
    if (output) nudge(output.data, output.data.length / output.shape[0]!);
  }),
  'inputs written to': changed('inputs', (_, { query }) => query.data.fill(0, 0, 1)),
  'no code for transferred inputs': kernel('inputs', (right) => ({
    run: (async (inputs: AttentionInputs, options: never) => {
      await Promise.resolve();
      const { query } = inputs;
      if (!isResident(query)) query.data.subarray(1);
      return right.run(inputs, options);
    }) as never,
  })),
  'transferred inputs taken for zeros': kernel('inputs', (right) => ({
    run: (async (inputs: AttentionInputs, options: never) => {
      await Promise.resolve();
      const found = (Object.entries(inputs) as [string, Tensor][]).map(([name, value]) =>
        value?.data?.length === 0 ? [name, zeros(value.dtype, value.shape)] : [name, value],
      );
      return right.run(Object.fromEntries(found) as AttentionInputs, options);
    }) as never,
  })),
  'masks written to': changed('inputs', (_, { mask }) => mask?.data.fill(0)),

  'weights left as exponentials': changed('weights', ({ weights }) =>
    weights?.data.forEach((_, n) => (weights.data[n]! *= 2)),
  ),
  'weights of the first row alone': changed('weights', ({ weights }) =>
    weights?.data.fill(0, weights.shape[3]),
  ),
  'row sums of 1': changed('statistics', ({ statistics }) => statistics?.rowSum.data.fill(1)),
  'row maxima of another base': changed('statistics', ({ statistics }) => add(statistics?.rowMax, 1)),
  'an output missing': changed(
    'logSumExp',
    (results) => delete (results as { logSumExp?: Tensor }).logSumExp,
  ),
  'an output that nobody asked for': changed('shape', (results, { value }) =>
    Object.assign(results, { weights: value }),
  ),
  'an output of another shape': changed('shape', ({ output }) =>
    (output?.shape as number[] | undefined)?.reverse(),
  ),
  'float64 where float32 was asked for': changed('shape', (results) => {
    const { output } = results;
    if (output)
      Object.assign(results, {
        output: { ...output, dtype: 'float64', data: Float64Array.from(output.data) },
      });
  }),
  'a float64 problem silently in float32': changed('dtype', ({ output }) =>
    output?.data.forEach((number, n) => (output.data[n] = Math.fround(number))),
  ),

  'results in one buffer of the kernel': around('life', (run) => {
    let shared: Tensor | undefined;
    return async (inputs, options) => {
      const results = await run(inputs, options);
      if (!results.output) return results;
      shared ??= results.output;
      shared.data.set(results.output.data);
      return { ...results, output: shared };
    };
  }),
  'overlapping calls mixed up': around('life', (run) => {
    let latest: Inputs;
    return async (inputs, options) => {
      latest = inputs;
      await Promise.resolve();
      return run(latest, options);
    };
  }),
  'the first call right, the second wrong': around('life', (run) => {
    let first: Inputs | undefined;
    return (inputs, options) => run({ ...inputs, key: (first ??= inputs).key }, options);
  }),
  'key lengths of the first call kept': around('life', (run) => {
    let first: Inputs | undefined;
    return (inputs, options) =>
      run(inputs.keyLengths ? { ...inputs, keyLengths: (first ??= inputs).keyLengths! } : inputs, options);
  }),
  'abort ignored': kernel('life', (right) => ({
    run: ((inputs: never, { signal: _, ...options } = {} as { signal?: AbortSignal }) =>
      right.run(inputs, options)) as never,
  })),
  'abort with a reason of its own': kernel('life', (right) => ({
    run: (async (inputs: never, options: { signal?: AbortSignal } = {}) => {
      if (options.signal?.aborted) throw new DOMException('stopped', 'AbortError');
      return right.run(inputs, options);
    }) as never,
  })),
  'a kernel that cannot be disposed': kernel('life', () => ({ dispose: async () => undefined })),
  'dispose that does not wait': kernel('life', (right) => {
    let ended = false;
    return {
      run: (async (inputs: never, options: never) => {
        const results = await right.run(inputs, options);
        if (ended) throw new HeedError('DISPOSED', 'the kernel was disposed');
        return results;
      }) as never,
      dispose: async () => {
        ended = true;
        await right.dispose();
      },
    };
  }),

  'writes one row too late': resident('resident', (right) => ({
    write: (part, at) =>
      right.write(
        part,
        'slots' in at
          ? at
          : { ...at, start: typeof at.start === 'number' ? Math.max(0, at.start - 1) : at.start },
      ),
  })),
  'writes all elements at the first start': resident('resident', (right) => ({
    write: (part, at) =>
      right.write(
        part,
        'slots' in at ? at : { ...at, start: Array.isArray(at.start) ? (at.start[0] as number) : at.start },
      ),
  })),
  'writes rows in the order of the pool': resident('resident', (right) => ({
    write(part, at) {
      if (!('slots' in at) || !Array.isArray(at.slots)) return right.write(part, at);
      const slots = at.slots as number[][];
      const sorted = slots.flat().toSorted((a, b) => a - b);
      return right.write(part, { ...at, slots: slots.map((list) => sorted.splice(0, list.length)) });
    },
  })),
  'reads all slices': resident('resident', (right) => ({ read: () => right.read() })),
  'gathers a neighbor': resident('resident', (right) => ({
    gather: (indices, options) =>
      right.gather(
        Array.isArray(indices) ? indices.map((index: number) => Math.max(0, index - 1)) : indices,
        options,
      ),
  })),
  'gathers on the first axis alone': resident('resident', (right) => ({
    gather: (indices) => right.gather(indices),
  })),
  'reorders nothing': resident('resident', () => ({ reorder: async () => undefined })),
  'a copy that shares': resident('resident', (right) => ({
    copy: async () => othersOf(right),
  })),
  'allocates what was there': backend('resident', (right) => ({
    async allocate(dtype, shape) {
      const allocated = await right.allocate(dtype, shape);
      const part = await allocated.read();
      part.data.fill(1);
      if (shape.length > 0) await allocated.write(part, { axis: 0, start: 0 });
      return allocated;
    },
  })),
  'reads without a copy': resident('resident', (right) => {
    let read: Promise<Tensor> | undefined;
    return { read: () => (read ??= right.read()) };
  }),
  'an upload without a copy': resident('resident', (_, given) => ({ read: async () => given })),
  'a view that is a copy': resident('resident', (right) => ({
    view(shape) {
      const view = right.view(shape);
      const copy = view.copy();
      return {
        ...othersOf(view),
        read: async (slices) => (await copy).read(slices),
        write: async (part, at) => (await copy).write(part, at),
      };
    },
  })),
  'a view that ends with its tensor': resident('resident', (right) => {
    let view: ResidentTensor | undefined;
    return {
      view: (shape) => (view = right.view(shape)),
      dispose() {
        view?.dispose();
        right.dispose();
      },
    };
  }),
  'holds nothing': resident('resident', (right) => ({ hold: () => othersOf(right) })),
  'a hold that shares its end': resident('resident', (right) => {
    let held: ResidentTensor | undefined;
    return {
      hold: () => (held = right.hold()),
      dispose() {
        held?.dispose();
        right.dispose();
      },
    };
  }),
  'a hold that can be written to': resident('resident', (right) => ({
    hold: () => ({ ...othersOf(right.hold()), write: async () => undefined }),
  })),
  'resident results that are read before they are there': around(
    'resident',
    (run) => async (inputs, options) => {
      const results = await run(inputs, options);
      if (!(options as { resident?: boolean }).resident || !results.output) return results;
      const { data } = results.output;
      const there = data.slice();
      data.fill(0);
      setTimeout(() => data.set(there as never), 1);
      return results;
    },
  ),
  'a run that reads its inputs when the next one begins': {
    ...around('resident', (run) => {
      let before: (() => Promise<void>) | undefined;
      return async (inputs, options) => {
        await before?.();
        const results = await run(inputs, options);
        before = async () => {
          const { output } = await run(inputs, {});
          if ((options as { resident?: boolean }).resident) results.output?.data.set(output!.data as never);
        };
        return results;
      };
    }),
    foundBy: 'resident/ahead/writes',
  },
  'memory of a disposed input given out before the run has read it': {
    ...backend('resident', (right) => {
      const queries: ResidentTensor[] = [];
      return {
        async compile(problem) {
          const compiled = await right.compile(problem);
          const run = async (
            inputs: AttentionInputs,
            options: { resident?: boolean } = {},
          ): Promise<unknown> => {
            const { query } = inputs;
            if (!options.resident || !isResident(query)) return compiled.run(inputs, options as never);
            const later = query.view(query.shape);
            const results = await compiled.run(inputs, options as never);
            queries.push(later);
            return results;
          };
          return Object.create(compiled, described({ run }));
        },
        async allocate(dtype, shape) {
          const given = queries.find((query) => query.shape.join() === shape.join());
          return (given as never) ?? right.allocate(dtype, shape);
        },
      };
    }),
    foundBy: 'resident/ahead/memory',
  },
  'an abort that reaches results': {
    ...kernel('resident', (right) => ({
      run: (async (inputs: never, options: { signal?: AbortSignal; resident?: boolean } = {}) => {
        const results = await right.run(inputs, options as never);
        options.signal?.addEventListener('abort', () => {
          for (const value of Object.values(results)) if (isResident(value)) value.dispose();
        });
        return results;
      }) as never,
    })),
    foundBy: 'resident/ahead/abort',
  },
  'foreign tensors accepted': kernel('resident', (right) => ({
    run: (async (inputs: object, options: never) => {
      const plain = Object.entries(inputs).map(async ([name, value]) => [
        name,
        isResident(value) ? await value.read() : value,
      ]);
      return right.run(Object.fromEntries(await Promise.all(plain)), options);
    }) as never,
  })),
  'resident results that are plain': kernel('resident', (right) => ({
    run: ((inputs: never, options?: object) => right.run(inputs, { ...options, resident: false })) as never,
  })),

  'errors without a code': backend('errors', (right) => ({
    compile: (problem) =>
      right.compile(problem).catch((error: Error) => {
        throw new Error(error.message);
      }),
  })),
  'another code for a wrong shape': kernel('errors', (right) => ({
    run: ((inputs: never, options: never) =>
      right.run(inputs, options).catch((error: HeedError) => {
        throw error.code === 'SHAPE' ? new HeedError('ARGUMENT', error.message) : error;
      })) as never,
  })),
  'options of the provider ignored': {
    clause: 'errors',
    overrides: { provider: (right) => ({ ...right, create: () => right.create() }) },
  },
  'options of the run ignored': kernel('errors', (right) => ({
    run: ((inputs: AttentionInputs) => right.run(inputs)) as AttentionKernel['run'],
  })),
  'too many inputs tolerated': kernel('errors', (right) => ({
    run: (({ sinks, ...inputs }: { sinks: never }, options: never) =>
      right.run((right.problem.sinks ? { sinks, ...inputs } : inputs) as never, options)) as never,
  })),

  'a capability declared and missing': {
    clause: 'softcap',
    overrides: {
      kernel: (right, problem) => {
        if (problem.softcap !== null) throw new HeedError('ENGINE', 'there is no kernel with a softcap');
        return right;
      },
    },
  },
  'a capability declared and refused': backend('window', (right) => ({
    supports: (problem) =>
      problem.window === null
        ? right.supports(problem)
        : { supported: false, clause: 'window', reason: 'not yet' },
  })),
  'a capability present and undeclared': {
    clause: 'refusal',
    overrides: {
      capabilities: { features: missing(FEATURES, 'causal') },
      backend: (right) => Object.create(right, described({ supports: () => ({ supported: true }) })),
    },
  },
  'undeclared features silently left to another backend': {
    clause: 'refusal',
    overrides: {
      backend: (right) =>
        Object.create(
          right,
          described({ capabilities: Object.freeze({ ...right.capabilities, features: Object.freeze([]) }) }),
        ),
    },
  },
  'a refusal in the name of another clause': {
    clause: 'refusal',
    overrides: {
      capabilities: { features: missing(FEATURES, 'sinks') },
      backend: (right) =>
        Object.create(
          right,
          described({
            supports: (problem: never) => {
              const support = right.supports(problem);
              return support.supported ? support : { ...support, clause: 'mask' };
            },
          }),
        ),
    },
  },
  'refused by supports, accepted by compile': {
    clause: 'refusal',
    overrides: {
      backend: (right) => {
        const features = Object.freeze(missing(FEATURES, 'alibi'));
        return Object.create(
          right,
          described({
            capabilities: Object.freeze({ ...right.capabilities, features }),
            supports: (problem: Parameters<AttentionBackend['supports']>[0]) =>
              problem.alibi
                ? { supported: false, clause: 'alibi', reason: 'not declared' }
                : right.supports(problem),
          }),
        );
      },
    },
  },
  'a device that changes': backend('contract', () => {
    let reads = 0;
    return {
      get device() {
        return `GPU ${reads++}`;
      },
    };
  }),
  'a silent fallback to another engine': backend('contract', () => ({ name: 'reference' })),
  'a device without a name': backend('contract', () => ({ device: '' })),
  'capabilities that can be written to': backend('contract', ({ capabilities }) => ({
    capabilities: { ...capabilities, features: [...capabilities.features] },
  })),
  'a feature of its own invention': backend('contract', ({ capabilities }) => ({
    capabilities: Object.freeze({
      ...capabilities,
      features: Object.freeze([...capabilities.features, 'magic']),
    }) as never,
  })),
  'a plan that says nothing': kernel('contract', ({ plan }) => ({ plan: { ...plan, algorithm: '' } })),
  'a kernel for another problem': kernel('contract', ({ problem }) => ({
    problem: { ...problem, scale: 1 },
  })),
  'one backend for everybody': {
    clause: 'contract',
    overrides: {
      provider: (right) => {
        let only: Promise<AttentionBackend> | undefined;
        return { ...right, create: () => (only ??= right.create()) };
      },
    },
  },
  'dK wrong under GQA': {
    clause: 'gradient',
    overrides: {
      kernel: (right, problem) => ({
        ...right,
        gradient: async (inputs, forward, options) => {
          const gradients = await right.gradient!(inputs, forward, options);
          if (problem.heads !== problem.kvHeads)
            gradients.dKey.data.forEach((_, n) => (gradients.dKey.data[n]! /= 2));
          return gradients;
        },
      }),
    },
  },
  'gradients of padded queries': {
    clause: 'padding',
    overrides: {
      kernel: (right) => ({
        ...right,
        gradient: async (inputs, forward, options) => {
          const gradients = await right.gradient!(inputs, forward, options);
          add(gradients.dKey, total(forward.dOutput));
          return gradients;
        },
      }),
    },
  },
  'merging off by the sink': {
    clause: 'merge',
    overrides: { steps: { sinkTerm: (sink, max) => STEPS.sinkTerm(sink, max) / 2 } },
  },
  'the mean of a part over its own keys': {
    clause: 'merge',
    overrides: { steps: { outputOfWhole: () => null } },
  },
  'a sink without keys beside it has no gradient': {
    clause: 'merge',
    overrides: {
      kernel: (right) => ({
        ...right,
        gradient: async (inputs, forward, options) => {
          const gradients = await right.gradient!(inputs, forward, options);
          const hasKeys = gradients.dKey.data.some((number) => number !== 0);
          if (!hasKeys) gradients.dSinks?.data.fill(0);
          return gradients;
        },
      }),
    },
  },
  'a row maximum that only soft attention has': changed('merge', ({ statistics, choice }) => {
    if (choice) statistics?.rowMax.data.fill(0);
  }),
  'weights that are not divided by the row sum': changed('merge', ({ statistics, weights, choice }) => {
    if (choice || !statistics || !weights) return;
    const length = weights.shape[3]!;
    weights.data.forEach((_, n) => {
      weights.data[n]! *= statistics.rowSum.data[Math.floor(n / length)]!;
    });
  }),
};
