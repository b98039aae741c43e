import type { NormProblem } from '@heed/core';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { ACROSS, acrossWorkgroup, largest, sum } from './across.ts';
import { BITS, PRODUCT } from './bits.ts';

type Problem = Pick<Required<NormProblem>, 'kind' | 'width' | 'epsilon' | 'bias'>;

/** Words for each row that the gradient of the parameters reads: mean, 1 / deviation, and the kind of the row. */
export const STATISTICS = 3;
/** Rows whose gradients of the parameters one workgroup adds. */
export const CHUNK = 64;

/** Kinds of rows: finite; all NaN; with infinity, which `rms` leaves where it stands; without influence. */
const KINDS = `const WHOLE = 0u;
const SPOILED = 1u;
const INFINITE = 2u;
const IGNORED = 3u;`;

/** A loop over the numbers of a row, shared by the invocations of its workgroup. */
const along = (width: number, code: string): string =>
  `for (var e = thread; e < ${width}u; e += ${THREADS}u) { ${code} }`;

/**
 * Code of the statistics of row `row` of the input: `kind`, `mean` and `inverse`. Numbers above 2⁴⁸ are made smaller by a power of
 * two before they are squared: `scale`.
 */
function statistics({ kind, width, epsilon }: Problem): string {
  const isLayer = kind === 'layer';
  return `
  let at = row * ${width}u;
  var size = 0u;
  ${along(width, 'size = max(size, magnitudeOf(input[at + e]));')}
  ${acrossWorkgroup('most', 'u32', 'size', largest)}
  var kind = select(WHOLE, SPOILED, most ${isLayer ? '>=' : '>'} 0x7f800000u);
  ${isLayer ? '' : 'if (most == 0x7f800000u) { kind = INFINITE; }'}
  let scale = select(1.0, 0x1p-80f, most >= 0x57800000u);
  ${
    isLayer
      ? `var total = 0.0;
  ${along(width, 'total += scale * numberOf(input[at + e]);')}
  ${acrossWorkgroup('sumOfRow', 'f32', 'total', sum)}
  let mean = sumOfRow / ${width}.0;`
      : 'let mean = 0.0;'
  }
  var squares = 0.0;
  ${along(
    width,
    `let x = scale * numberOf(input[at + e]) - mean;
    squares = fma(x, x, squares);`,
  )}
  ${acrossWorkgroup('sumOfSquares', 'f32', 'squares', sum)}
  let inverse = 1.0 / sqrt(sumOfSquares / ${width}.0 + scale * (scale * ${floatOf(epsilon)}));`;
}

/** A number as WGSL writes it. */
function floatOf(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Code of the bits of the normalized number whose bits are `x`. */
const NORMAL = `
fn normal(x: u32, kind: u32, scale: f32, mean: f32, inverse: f32) -> u32 {
  if (kind == SPOILED || (kind == INFINITE && isNonFinite(x))) { return NAN; }
  if (kind == INFINITE) { return 0u; }
  return bitcast<u32>((scale * numberOf(x) - mean) * inverse);
}`;

/** Each row over its deviation: SPEC.md, clause `norm`. Grid: rows. */
export function normShader(problem: Problem): Shader {
  const { width, bias } = problem;
  return shaderOf({
    label: 'norm',
    bindings: [read('input'), read('weight'), ...(bias ? [read('bias')] : []), written('output')],
    declarations: [BITS, PRODUCT, KINDS, NORMAL, ACROSS],
    main: `
  let row = group.x + params.firstX;
  ${statistics(problem)}
  ${along(
    width,
    `let y = productOf(normal(input[at + e], kind, scale, mean, inverse), weight[e]);
    output[at + e] = ${bias ? 'sumOf(y, bias[e])' : 'y'};`,
  )}`,
  });
}

/** The gradient of the input, and statistics of the rows for {@link parameterPartsShader}. Grid: rows. */
export function normGradientShader(problem: Problem, hasResidual: boolean): Shader {
  const { kind, width } = problem;
  const isLayer = kind === 'layer';
  const dNormal = 'productOf(dOutput[at + e], weight[e])';
  return shaderOf({
    label: 'gradient of a norm',
    bindings: [
      read('input'),
      read('weight'),
      read('dOutput'),
      ...(hasResidual ? [read('dResidual')] : []),
      written('dInput'),
      written('statistics'),
    ],
    declarations: [BITS, PRODUCT, KINDS, NORMAL, ACROSS],
    main: `
  let row = group.x + params.firstX;
  ${statistics(problem)}
  var given = 0u;
  var flag = 0u;
  var gradients = 0.0;
  var along = 0.0;
  ${along(
    width,
    `let d = ${dNormal};
    let n = normal(input[at + e], kind, scale, mean, inverse);
    given = max(given, magnitudeOf(dOutput[at + e]));
    flag |= select(0u, 1u, isNonFinite(d) || isNonFinite(n));
    gradients += numberOf(d);
    along = fma(numberOf(d), numberOf(n), along);`,
  )}
  ${acrossWorkgroup('mostGiven', 'u32', 'given', largest)}
  ${acrossWorkgroup('anyFlag', 'u32', 'flag', largest)}
  ${isLayer ? acrossWorkgroup('sumOfGradients', 'f32', 'gradients', sum) : ''}
  ${acrossWorkgroup('sumAlong', 'f32', 'along', sum)}
  let meanGradient = ${isLayer ? `sumOfGradients / ${width}.0` : '0.0'};
  let meanAlong = sumAlong / ${width}.0;
  let isIgnored = mostGiven == 0u;
  ${along(
    width,
    `let d = numberOf(${dNormal});
    let n = numberOf(normal(input[at + e], kind, scale, mean, inverse));
    var own = bitcast<u32>(scale * (inverse * ((d - meanGradient) - n * meanAlong)));
    own = select(select(own, NAN, anyFlag != 0u), 0u, isIgnored);
    dInput[at + e] = ${hasResidual ? 'select(sumOf(own, dResidual[at + e]), dResidual[at + e], isIgnored)' : 'own'};`,
  )}
  if (thread == 0u) {
    statistics[${STATISTICS}u * row] = bitcast<u32>(mean);
    statistics[${STATISTICS}u * row + 1u] = bitcast<u32>(inverse);
    statistics[${STATISTICS}u * row + 2u] = select(kind, IGNORED, isIgnored) | select(0u, 4u, scale != 1.0);
  }`,
  });
}

/** Sums of the gradients of weight and bias over some rows each. Grid: columns, parts of the rows. */
export function parameterPartsShader(problem: Problem): Shader {
  const { width } = problem;
  return shaderOf({
    label: 'gradients of the parameters of a norm, in parts',
    bindings: [read('input'), read('dOutput'), read('statistics'), written('sums')],
    declarations: [BITS, PRODUCT, KINDS, NORMAL],
    main: `
  let e = (group.x + params.firstX) * ${THREADS}u + thread;
  let part = group.y + params.firstY;
  if (e >= ${width}u) { return; }
  var ofWeight = 0u;
  var ofBias = 0u;
  for (var row = ${CHUNK}u * part; row < min(${CHUNK}u * (part + 1u), params.rows); row++) {
    let word = statistics[${STATISTICS}u * row + 2u];
    let kind = word & 3u;
    if (kind == IGNORED) { continue; }
    let mean = bitcast<f32>(statistics[${STATISTICS}u * row]);
    let inverse = bitcast<f32>(statistics[${STATISTICS}u * row + 1u]);
    let scale = select(1.0, 0x1p-80f, (word & 4u) != 0u);
    let d = dOutput[row * ${width}u + e];
    ofWeight = sumOf(ofWeight, productOf(d, normal(input[row * ${width}u + e], kind, scale, mean, inverse)));
    ofBias = sumOf(ofBias, d);
  }
  sums[(2u * part) * ${width}u + e] = ofWeight;
  sums[(2u * part + 1u) * ${width}u + e] = ofBias;`,
  });
}

/** The sums of the parts, in their order. Grid: columns. */
export function parameterShader({ width, bias }: Problem): Shader {
  return shaderOf({
    label: 'gradients of the parameters of a norm',
    bindings: [read('sums'), written('dWeight'), ...(bias ? [written('dBias')] : [])],
    declarations: [BITS],
    main: `
  let e = (group.x + params.firstX) * ${THREADS}u + thread;
  if (e >= ${width}u) { return; }
  var ofWeight = 0u;
  var ofBias = 0u;
  for (var part = 0u; part < (params.rows + ${CHUNK - 1}u) / ${CHUNK}u; part++) {
    ofWeight = sumOf(ofWeight, sums[(2u * part) * ${width}u + e]);
    ofBias = sumOf(ofBias, sums[(2u * part + 1u) * ${width}u + e]);
  }
  dWeight[e] = ofWeight;
  ${bias ? 'dBias[e] = ofBias;' : ''}`,
  });
}
