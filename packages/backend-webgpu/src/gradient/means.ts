import type { Stored } from '../plan/stored.ts';
import type { Variant } from '../plan/variant.ts';
import { conversions } from '../shader/elements.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { FINITE, readRows, rowAddress, rowLoader, vectorsOf } from '../shader/tensors.ts';
import { CHAIN } from '../shader/tile.ts';
import { ROW_FLAGS, ROW_WORDS } from './rows.ts';

/**
 * The mean of dW of each row, dO · output (Dao et al. 2022, appendix B.4), and whether the row is non-finite. The output is
 * float32 in problems of 16 bits, too: rounded, it would make errors of means, which sums of gradients have in full.
 * Grid: rows, parts of `rows` rows each.
 */
export function meansShader({ valueDim, type, rows: { output } }: Variant): Shader {
  const exact: Stored = { ...output, type: 'float32' };
  return shaderOf({
    label: 'means of the gradient',
    bindings: [
      readRows('output', exact),
      readRows('dOutput', output),
      read('rowMax'),
      read('rowSum'),
      written('tableOut'),
    ],
    declarations: [
      FINITE,
      conversions(type),
      ROW_FLAGS,
      CHAIN,
      rowAddress('output'),
      rowLoader('output', exact),
      rowLoader('dOutput', output),
    ],
    main: `
  let index = (group.x + params.firstX) * ${THREADS}u + thread;
  if (index >= params.rows) { return; }
  let place = (group.y + params.firstY) * params.rows + index;
  let i = place % params.queryLength;
  let h = (place / params.queryLength) % params.heads;
  let b = place / params.queryLength / params.heads;
  let row = outputRow(b, h, i);
  let maximum = rowMax[place];
  let sum = rowSum[place];
  var isFlagged = isNonFinite(sum) || (isNonFinite(maximum) && maximum != MINUS_INFINITY);
  var isZero = true;
  var mean = 0.0;
  for (var n = 0u; n < ${vectorsOf(valueDim)}u; n++) {
    let o = outputAt(row, n);
    let d = dOutputAt(row, n);
    isFlagged |= any(areNonFinite(o)) || any(areNonFinite(d));
    isZero &= all((o & vec4u(0x7fffffffu)) == vec4u(0u));
    mean = chain(finite(o), finite(d), mean);
  }
  let isEmpty = isNonFinite(sum) || sum == 0u;
  let at = params.rowsAt + ${ROW_WORDS}u * place;
  tableOut[at] = select(maximum, 0u, isNonFinite(maximum));
  tableOut[at + 1u] = bitcast<u32>(1.0 / bitcast<f32>(select(sum, 0x3f800000u, isEmpty)));
  tableOut[at + 2u] = bitcast<u32>(mean);
  tableOut[at + 3u] = select(0u, FLAGGED, isFlagged) | select(0u, ZERO_OUTPUT, isZero);`,
  });
}
