import type { LinearProblem } from '@heed/core';
import { type Geometry, ownRow } from '../plan/geometry.ts';
import type { Stored } from '../plan/stored.ts';
import { workgroupMemory } from '../shader/block.ts';
import { EXPONENTIAL } from '../shader/math.ts';
import { type Shader, THREADS, each, read, shaderOf, written } from '../shader/module.ts';
import { FINITE, readRows, rowLoader, vectorsOf, writtenRows, rowWriter } from '../shader/tensors.ts';
import { CHAIN, type Operand, products } from '../shader/tile.ts';
import { activationFunction } from './activation.ts';
import { weightBindings, weightLoader } from './weights.ts';

/**
 * Vectors along `in` that are summed in one chain; the sums of such parts are added in their order. All shaders do so, and a
 * row has the same bits however many rows go with it.
 */
const PART = 64;
/** Rows up to which each workgroup takes one, and reads the weights itself. */
export const FEW_ROWS = 4;
/** Outputs of such a workgroup, and parts of their sums that it computes at one time. */
export const FEW_OUTPUTS = 16;
const LANES = THREADS / FEW_OUTPUTS;
/** Rows and outputs of a workgroup of many rows. */
export const TILE = 32;

const geometryOf = (subgroup: number): Geometry => ({
  rowThreads: 8,
  keyThreads: 8,
  rowsEach: TILE / 8,
  vectorsEach: 1,
  rows: TILE,
  keys: TILE,
  staged: true,
  chunk: 8,
  keyChunk: 8,
  valueChunk: 16,
  keepsQueries: false,
  subgroup,
});

const rowsOf = (depth: number): Stored => ({
  type: 'float32',
  depth,
  first: 0,
  aligned: depth % 4 === 0,
  group: null,
});

const stride = (depth: number): number => (depth % 4 === 0 ? vectorsOf(depth) : depth);

type Problem = Required<LinearProblem>;

function common({ inputDim, outputDim, weightType, bias, activation }: Problem) {
  const [input, output] = [rowsOf(inputDim), rowsOf(outputDim)];
  return {
    input,
    output,
    bindings: [readRows('input', input), ...weightBindings(weightType), ...(bias ? [read('bias')] : [])],
    declarations: [
      FINITE,
      CHAIN,
      EXPONENTIAL,
      activationFunction(activation),
      weightLoader(weightType),
      rowLoader('input', input),
      `fn biasAt(o: u32) -> f32 { return ${bias ? `bitcast<f32>(bias[min(o, ${outputDim - 1}u)])` : '0.0'}; }`,
      // A row of the input that has NaN or infinity makes its outputs so.
      `fn finished(sums: vec4f, o: u32, isSpoiled: bool) -> vec4u {
  let biased = sums${bias ? ' + vec4f(biasAt(o), biasAt(o + 1u), biasAt(o + 2u), biasAt(o + 3u))' : ''};
  return select(bitcast<vec4u>(activate(biased)), vec4u(NAN), isSpoiled);
}`,
    ],
  };
}

/**
 * Many rows: a workgroup takes 32 rows and 32 outputs, which go through workgroup memory. Grid: outputs, rows.
 *
 * @param subgroup see `Geometry`.
 */
export function manyRowsShader(problem: Problem, subgroup: number): Shader {
  const geometry = geometryOf(subgroup);
  const { inputDim, outputDim } = problem;
  const { output, bindings, declarations } = common(problem);
  const all = vectorsOf(inputDim);
  const rowsOperand: Operand = {
    vectors: Math.min(PART, all),
    load: (index, n) => `load_input(firstRow + ${index}, begin + ${n})`,
    spoil: (index) => `atomicOr(&rowFlags[${index}], 1u);`,
  };
  const weights: Operand = {
    vectors: Math.min(PART, all),
    load: (index, n) => `load_weight(firstOutput + ${index}, begin + ${n})`,
    spoil: (index) => `atomicOr(&outputFlags[${index}], 1u);`,
  };
  return shaderOf({
    label: 'linear',
    subgroup,
    bindings: [...bindings, writtenRows('output', output)],
    declarations: [
      ...declarations,
      rowWriter('output', output),
      `fn load_input(row: u32, n: u32) -> vec4u {
  if (row >= params.rows || n >= ${all}u) { return vec4u(0u); }
  return inputAt(row * ${stride(inputDim)}u, n);
}
fn load_weight(o: u32, n: u32) -> vec4u {
  if (o >= ${outputDim}u || n >= ${all}u) { return vec4u(0u); }
  return weightAt(o, n);
}`,
      workgroupMemory(geometry, { stage: 2 * TILE * 9, weights: false, exchange: false }),
      `var<workgroup> rowFlags: array<atomic<u32>, ${TILE}>;`,
      `var<workgroup> outputFlags: array<atomic<u32>, ${TILE}>;`,
    ],
    main: `
  let threadKey = thread % 8u;
  let threadRow = thread / 8u;
  let firstOutput = (group.x + params.firstX) * ${TILE}u;
  let firstRow = (group.y + params.firstY) * ${TILE}u;
  if (thread < ${TILE}u) {
    atomicStore(&rowFlags[thread], 0u);
    atomicStore(&outputFlags[thread], 0u);
  }
${each(geometry.rowsEach, (r) => `  var total${r} = vec4f(0.0);`)}
  for (var begin = 0u; begin < ${all}u; begin += ${PART}u) {
${products('product', geometry, rowsOperand, weights, null)}
${each(geometry.rowsEach, (r) => `    total${r} += product${r};`)}
  }
  workgroupBarrier();
  let o = firstOutput + 4u * threadKey;
  var isSpoiled = vec4<bool>(false);
  for (var k = 0u; k < 4u; k++) { isSpoiled[k] = atomicLoad(&outputFlags[4u * threadKey + k]) != 0u; }
${each(
  geometry.rowsEach,
  (r) => `  {
    let own = ${ownRow(geometry, r)};
    let row = firstRow + own;
    let bits = finished(total${r}, o, atomicLoad(&rowFlags[own]) != 0u);
    if (row < params.rows && o < ${outputDim}u) {
      write_output(row * ${stride(outputDim)}u, o / 4u, select(bits, vec4u(NAN), isSpoiled));
    }
  }`,
)}`,
  });
}

/** Few rows: a workgroup takes 16 outputs of one row; four invocations share the parts of each sum. Grid: outputs, rows. */
export function fewRowsShader(problem: Problem): Shader {
  const { inputDim, outputDim } = problem;
  const { bindings, declarations } = common(problem);
  const all = vectorsOf(inputDim);
  return shaderOf({
    label: 'linear, few rows',
    bindings: [...bindings, written('output')],
    declarations: [
      ...declarations,
      `var<workgroup> sums: array<f32, ${THREADS}>;`,
      `var<workgroup> flags: array<u32, ${THREADS}>;`,
    ],
    main: `
  let lane = thread / ${FEW_OUTPUTS}u;
  let o = (group.x + params.firstX) * ${FEW_OUTPUTS}u + thread % ${FEW_OUTPUTS}u;
  let row = group.y + params.firstY;
  let own = min(o, ${outputDim - 1}u);
  var total = 0.0;
  var flag = 0u;
  for (var first = 0u; first < ${all}u; first += ${PART * LANES}u) {
    var sum = 0.0;
    let begin = first + lane * ${PART}u;
    for (var n = begin; n < min(begin + ${PART}u, ${all}u); n++) {
      let x = inputAt(row * ${stride(inputDim)}u, n);
      let w = weightAt(own, n);
      flag |= select(0u, 1u, any(areNonFinite(x)) || any(areNonFinite(w)));
      sum = chain(finite(x), finite(w), sum);
    }
    workgroupBarrier();
    sums[thread] = sum;
    workgroupBarrier();
${each(LANES, (l) => `    total += sums[thread % ${FEW_OUTPUTS}u + ${l * FEW_OUTPUTS}u];`)}
  }
  flags[thread] = flag;
  workgroupBarrier();
  for (var l = 0u; l < ${LANES}u; l++) { flag |= flags[thread % ${FEW_OUTPUTS}u + l * ${FEW_OUTPUTS}u]; }
  if (lane == 0u && o < ${outputDim}u) {
    output[row * ${outputDim}u + o] = finished(vec4f(total), o, flag != 0u).x;
  }`,
  });
}

/** Packs a weight of float32: see `PackedWeight`. Grid: vectors of four numbers, output by output. */
export function packShader({ inputDim, outputDim }: Pick<Problem, 'inputDim' | 'outputDim'>): Shader {
  const weight = rowsOf(inputDim);
  const all = vectorsOf(inputDim);
  return shaderOf({
    label: 'packing of weights',
    bindings: [readRows('weight', weight), written('packed', 'vec4u')],
    declarations: [rowLoader('weight', weight)],
    main: `
  let place = (group.x + params.firstX) * ${THREADS}u + thread;
  if (place >= ${all * outputDim}u) { return; }
  packed[place] = weightAt((place % ${outputDim}u) * ${stride(inputDim)}u, place / ${outputDim}u);`,
  });
}
