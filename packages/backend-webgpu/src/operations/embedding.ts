import type { EmbeddingProblem, Tensor } from '@heed/core';
import type { EmbeddingKernelDefinition } from '@heed/core/operations';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { BITS } from './bits.ts';

/** Rows of a weight: SPEC.md, clause `embedding`. Grid: places. */
function embeddingShader(width: number): Shader {
  return shaderOf({
    label: 'rows of an embedding',
    bindings: [read('indices'), read('weight'), written('output')],
    declarations: [],
    main: `
  let place = group.x + params.firstX;
  let index = bitcast<i32>(indices[place]);
  for (var e = thread; e < ${width}u; e += ${THREADS}u) {
    var bits = 0u;
    if (index >= 0) { bits = weight[u32(index) * ${width}u + e]; }
    output[place * ${width}u + e] = bits;
  }`,
  });
}

/** Words of a row in the lists of the gradient: its index, and the first and the end of its places. */
const ROW_WORDS = 3;

/** The sums of the places of each row that has any, in their order. Grid: such rows. */
function embeddingGradientShader(width: number): Shader {
  return shaderOf({
    label: 'gradient of an embedding',
    bindings: [read('lists'), read('dOutput'), written('dWeight')],
    declarations: [BITS],
    main: `
  let row = group.x + params.firstX;
  let index = lists[${ROW_WORDS}u * row];
  for (var e = thread; e < ${width}u; e += ${THREADS}u) {
    var total = 0u;
    for (var n = lists[${ROW_WORDS}u * row + 1u]; n < lists[${ROW_WORDS}u * row + 2u]; n++) {
      total = sumOf(total, dOutput[lists[n] * ${width}u + e]);
    }
    dWeight[index * ${width}u + e] = total;
  }`,
  });
}

/** The rows that have places, and behind them all places, row by row, each row's in order. */
function listsOf({ data }: Tensor<'int32'>): {
  readonly rows: number;
  readonly words: Int32Array<ArrayBuffer>;
} {
  const placesOf = new Map<number, number[]>();
  data.forEach((index, place) => {
    if (index === -1) return;
    const places = placesOf.get(index);
    if (places) places.push(place);
    else placesOf.set(index, [place]);
  });
  const rows = placesOf.size;
  const words = new Int32Array(ROW_WORDS * rows + data.length);
  let [at, row] = [ROW_WORDS * rows, 0];
  for (const [index, places] of placesOf) {
    words.set([index, at, at + places.length], ROW_WORDS * row++);
    words.set(places, at);
    at += places.length;
  }
  return { rows, words };
}

export async function compileEmbedding(
  engine: Engine,
  { count, width, gradient }: Required<EmbeddingProblem>,
): Promise<EmbeddingKernelDefinition<GpuTensor>> {
  engine.check();
  const { pipelines, device } = engine;
  const [forward, back] = await Promise.all([
    pipelines.get(embeddingShader(width)),
    gradient ? pipelines.get(embeddingGradientShader(width)) : null,
  ]);
  const uploaded = (run: Run, words: Int32Array<ArrayBuffer>): GpuTensor => {
    const tensor = run.scratch(words.length);
    if (words.length > 0) device.queue.writeBuffer(tensor.buffer, 0, words);
    return tensor;
  };
  return {
    run: ({ indices, weight }, { signal }) =>
      Run.execute(engine, signal, (run) => {
        const output = run.result('float32', [...indices.shape, width]);
        const tensors = { indices: uploaded(run, Int32Array.from(indices.data)), weight, output };
        const grid = [indices.data.length, 1, 1] as const;
        run.dispatch({ pipeline: forward, tensors, params: {}, grid, work: width });
        return output;
      }),
    ...(back && {
      gradient: ({ indices }, { dOutput }, { signal }) =>
        Run.execute(engine, signal, (run) => {
          const { rows, words } = listsOf(indices);
          const dWeight = run.result('float32', [count, width]);
          run.dispatch({
            pipeline: back,
            tensors: { lists: uploaded(run, words), dOutput, dWeight },
            params: {},
            grid: [rows, 1, 1],
            work: (width * indices.data.length) / Math.max(1, rows),
          });
          return { dWeight };
        }),
    }),
  };
}
