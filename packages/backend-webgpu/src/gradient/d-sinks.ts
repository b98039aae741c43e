import { EXPONENTIAL } from '../shader/math.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { FINITE } from '../shader/tensors.ts';
import { ROW_FLAGS, ROW_WORDS } from './rows.ts';

/**
 * dSinks: −Σ sink's weight · mean over all rows of a head, in a fixed order. Grid: heads. A row whose output is 0 adds
 * nothing, for any dOutput: it may attend to nothing.
 */
export function dSinksShader(): Shader {
  return shaderOf({
    label: 'dSinks',
    bindings: [read('table'), written('dSinks')],
    declarations: [
      FINITE,
      ROW_FLAGS,
      EXPONENTIAL,
      `var<workgroup> sums: array<f32, ${THREADS}>;`,
      `var<workgroup> flags: array<u32, ${THREADS}>;`,
    ],
    main: `
  let head = group.x + params.firstX;
  let bits = table[params.sinksAt + head];
  let sink = bitcast<f32>(select(bits, 0u, isNonFinite(bits)));
  var sum = 0.0;
  var flag = 0u;
  let count = params.batch * params.queryLength;
  for (var n = thread; n < count; n += ${THREADS}u) {
    let place = (n / params.queryLength * params.heads + head) * params.queryLength + n % params.queryLength;
    let at = params.rowsAt + ${ROW_WORDS}u * place;
    if ((table[at + 3u] & ZERO_OUTPUT) != 0u) { continue; }
    flag |= table[at + 3u] & FLAGGED;
    let weight = exponential1(max(sink - bitcast<f32>(table[at]), -100.0)) * bitcast<f32>(table[at + 1u]);
    sum = fma(weight, -bitcast<f32>(table[at + 2u]), sum);
  }
  sums[thread] = sum;
  flags[thread] = flag;
  workgroupBarrier();
  if (thread != 0u) { return; }
  for (var n = 1u; n < ${THREADS}u; n++) {
    sum += sums[n];
    flag |= flags[n];
  }
  var result = bitcast<u32>(sum);
  if (flag != 0u || (isNonFinite(bits) && bits != MINUS_INFINITY)) {
    result = NAN;
  } else if (bits == MINUS_INFINITY) {
    result = 0u;
  }
  dSinks[head] = result;`,
  });
}
