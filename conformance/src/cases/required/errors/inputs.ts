import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type AttentionResults,
  type HeedErrorCode,
  type Tensor,
  resolveRequest,
  tensor,
} from '@heed/core';
import type { BehaviorCase, ConformanceCase } from '../../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';

/** Inputs that are right for the sketch until these are put in; undefined takes one away. */
interface Mistake {
  readonly code: HeedErrorCode;
  readonly sketch?: Sketch;
  readonly inputs: object;
}

const floats = (...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape);
const integers = (...numbers: number[]): Tensor => tensor(Int32Array.from(numbers), [numbers.length]);

const MASK: Sketch = { mask: { kind: 'boolean', shape: [7, 7] } };
const SAMPLE: Sketch = { selection: 'sample', seed: 1 };
const LENGTHS: Sketch = { keyLengths: [3, 5] };
const STARTS: Sketch = { keyStarts: [3, 5] };

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'query/missing': { code: 'MISSING_INPUT', inputs: { query: undefined } },
  'key/missing': { code: 'MISSING_INPUT', inputs: { key: undefined } },
  'value/missing': { code: 'MISSING_INPUT', inputs: { value: undefined } },
  'query/rank-3': { code: 'SHAPE', inputs: { query: floats(4, 7, 8) } },
  'query/other-length': { code: 'SHAPE', inputs: { query: floats(2, 2, 6, 8) } },
  'query/no-tensor': { code: 'SHAPE', inputs: { query: 'query' } },
  'query/float64': { code: 'DTYPE', inputs: { query: tensor(new Float64Array(224), [2, 2, 7, 8]) } },
  'query/data-too-short': {
    code: 'SHAPE',
    inputs: { query: { dtype: 'float32', shape: [2, 2, 7, 8], data: new Float32Array(200) } },
  },
  'query/plain-array': {
    code: 'DTYPE',
    inputs: { query: { dtype: 'float32', shape: [2, 2, 7, 8], data: Array.from({ length: 224 }, () => 0) } },
  },
  'value/transposed': { code: 'SHAPE', inputs: { value: floats(2, 7, 2, 8) } },
  'mask/missing': { code: 'MISSING_INPUT', sketch: MASK, inputs: { mask: undefined } },
  'mask/float-for-boolean': { code: 'DTYPE', sketch: MASK, inputs: { mask: floats(7, 7) } },
  'mask/other-broadcast': {
    code: 'SHAPE',
    sketch: MASK,
    inputs: { mask: tensor(new Uint8Array(7), [7, 1]) },
  },
  'mask/rank-5': {
    code: 'SHAPE',
    sketch: MASK,
    inputs: { mask: tensor(new Uint8Array(49), [1, 1, 1, 7, 7]) },
  },
  'mask/unexpected': { code: 'UNEXPECTED_INPUT', inputs: { mask: tensor(new Uint8Array(49), [7, 7]) } },
  'bias/missing': { code: 'MISSING_INPUT', sketch: { bias: { shape: [7, 7] } }, inputs: { bias: undefined } },
  'sinks/unexpected': { code: 'UNEXPECTED_INPUT', inputs: { sinks: floats(2) } },
  'key-lengths/missing': { code: 'MISSING_INPUT', sketch: LENGTHS, inputs: { keyLengths: undefined } },
  'key-lengths/too-large': { code: 'ARGUMENT', sketch: LENGTHS, inputs: { keyLengths: integers(3, 8) } },
  'key-lengths/negative': { code: 'ARGUMENT', sketch: LENGTHS, inputs: { keyLengths: integers(-1, 5) } },
  'key-lengths/too-many': { code: 'SHAPE', sketch: LENGTHS, inputs: { keyLengths: integers(1, 2, 3) } },
  'key-starts/missing': { code: 'MISSING_INPUT', sketch: STARTS, inputs: { keyStarts: undefined } },
  'key-starts/too-large': { code: 'ARGUMENT', sketch: STARTS, inputs: { keyStarts: integers(3, 8) } },
  'key-starts/negative': { code: 'ARGUMENT', sketch: STARTS, inputs: { keyStarts: integers(-1, 5) } },
  'key-starts/float32': { code: 'DTYPE', sketch: STARTS, inputs: { keyStarts: floats(2) } },
  'key-lengths/float32': { code: 'DTYPE', sketch: LENGTHS, inputs: { keyLengths: floats(2) } },
  'query-lengths/too-large': {
    code: 'ARGUMENT',
    sketch: { queryLengths: [3, 5] },
    inputs: { queryLengths: integers(8, 0) },
  },
  'offsets/missing': {
    code: 'MISSING_INPUT',
    sketch: { causal: true, alignment: { offset: 1 } },
    inputs: { offsets: undefined },
  },
  'segments/missing': {
    code: 'MISSING_INPUT',
    sketch: { segments: 'packed' },
    inputs: { keySegments: undefined },
  },
  'alibi/missing': { code: 'MISSING_INPUT', sketch: { alibi: true }, inputs: { alibiSlopes: undefined } },
  'seed/missing': { code: 'MISSING_INPUT', sketch: SAMPLE, inputs: { seed: undefined } },
  'seed/fraction': { code: 'ARGUMENT', sketch: SAMPLE, inputs: { seed: 0.5 } },
  'seed/2-to-the-53': { code: 'ARGUMENT', sketch: SAMPLE, inputs: { seed: 2 ** 53 } },
  'seed/unexpected': { code: 'UNEXPECTED_INPUT', inputs: { seed: 1 } },
};

async function withKernel(
  backend: AttentionBackend,
  sketch: Sketch,
  work: (kernel: AttentionKernel, inputs: AttentionInputs) => Promise<void>,
): Promise<void> {
  const { problem, inputs } = resolveRequest(requestOf(sketch, 'errors'));
  const kernel = await backend.compile(problem);
  try {
    await work(kernel, inputs);
  } finally {
    await kernel.dispose();
  }
}

/** Straight into `run()`, past all checks of `attention()`. The kernel must be as good as new afterwards. */
function runCase(name: string, { code, sketch = {}, inputs: wrong }: Mistake): BehaviorCase {
  return behavior('errors', `run/${name}`, sketch, ({ backend }) =>
    withKernel(backend, sketch, async (kernel, inputs) => {
      await ensureError(
        () => kernel.run({ ...inputs, ...wrong } as AttentionInputs),
        code,
        `the input ${name}`,
      );
      const { output } = await kernel.run(inputs);
      ensure(output !== undefined, 'the kernel gives no output after an error');
    }),
  );
}

/** Inputs that engines read on the host. */
function residentCases(): ConformanceCase[] {
  const sketches: Readonly<Record<string, Sketch>> = {
    keyLengths: LENGTHS,
    keyStarts: STARTS,
    queryLengths: { queryLengths: [3, 5] },
    offsets: { causal: true, alignment: { offset: 1 } },
  };
  return Object.entries(sketches).map(([name, sketch]) =>
    behavior('errors', `run/${name}/resident`, sketch, ({ backend }) =>
      withKernel(backend, sketch, async (kernel, inputs) => {
        const resident = await backend.upload(inputs[name as 'keyLengths'] as Tensor);
        const run = (): unknown => kernel.run({ ...inputs, [name]: resident } as AttentionInputs);
        await ensureError(run, 'ARGUMENT', `resident ${name}`);
        resident.dispose();
      }),
    ),
  );
}

function nothingGiven(): ConformanceCase[] {
  return [
    behavior('errors', 'run/no-inputs', [], ({ backend }) =>
      withKernel(backend, {}, (kernel) =>
        ensureError(() => kernel.run(undefined as never), 'MISSING_INPUT', 'a run without inputs'),
      ),
    ),
    behavior('errors', 'gradient/no-forward', ['gradient', 'statistics'], ({ backend }) =>
      withKernel(backend, GRADIENT, (kernel, inputs) =>
        ensureError(() => kernel.gradient(inputs, undefined as never), 'MISSING_INPUT', 'no forward results'),
      ),
    ),
  ];
}

const GRADIENT: Sketch = { gradient: true, outputs: ['output', 'statistics'] };

/** Mistakes in what `gradient()` takes beside the inputs. */
const GRADIENT_MISTAKES: Readonly<
  Record<string, { readonly code: HeedErrorCode; readonly forward: object }>
> = {
  'dOutput/missing': { code: 'MISSING_INPUT', forward: { dOutput: undefined } },
  'dOutput/other-shape': { code: 'SHAPE', forward: { dOutput: floats(2, 2, 7, 9) } },
  'dOutput/float64': { code: 'DTYPE', forward: { dOutput: tensor(new Float64Array(224), [2, 2, 7, 8]) } },
  'output/missing': { code: 'MISSING_INPUT', forward: { output: undefined } },
  'statistics/missing': { code: 'MISSING_INPUT', forward: { statistics: undefined } },
  'statistics/other-shape': {
    code: 'SHAPE',
    forward: { statistics: { rowMax: floats(2, 2, 6), rowSum: floats(2, 2, 6) } },
  },
};

function gradientCases(): ConformanceCase[] {
  const dOutput = dOutputOf({}, 'errors');
  const complete = ({ output, statistics }: AttentionResults<Tensor>) => ({
    output: output!,
    statistics: statistics!,
    dOutput,
  });
  return [
    ...Object.entries(GRADIENT_MISTAKES).map(([name, { code, forward }]) =>
      behavior('errors', `gradient/${name}`, ['gradient', 'statistics'], ({ backend }) =>
        withKernel(backend, GRADIENT, async (kernel, inputs) => {
          const right = complete(await kernel.run(inputs));
          const wrong = { ...right, ...forward } as typeof right;
          await ensureError(() => kernel.gradient(inputs, wrong), code, `${name} of the gradient`);
          await kernel.gradient(inputs, right);
        }),
      ),
    ),
    behavior('errors', 'gradient/not-asked-for', ['statistics'], ({ backend }) =>
      withKernel(backend, { outputs: ['output', 'statistics'] }, async (kernel, inputs) => {
        const forward = complete(await kernel.run(inputs));
        await ensureError(
          () => kernel.gradient(inputs, forward),
          'NOT_DIFFERENTIABLE',
          'the gradient of a problem that was compiled without',
        );
      }),
    ),
  ];
}

export function inputErrorCases(): ConformanceCase[] {
  return [
    ...Object.entries(MISTAKES).map(([name, mistake]) => runCase(name, mistake)),
    ...residentCases(),
    ...nothingGiven(),
    ...gradientCases(),
  ];
}
