import type { Variant } from '../plan/variant.ts';
import { addresses, blockFunctions, cacheBindings, cacheFunctions, valueTensor } from '../shader/block.ts';
import { conversions, numberWriter, writtenElement } from '../shader/elements.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { BATCH } from '../shader/scores.ts';
import { FINITE, rowLoader, rowWriter, vectorsOf, writtenRows } from '../shader/tensors.ts';
import { FLAGS, ROW_PLANES } from './finish.ts';

/**
 * The results of hard attention: the bits of the chosen value, and a weight of 1. Other values are not read. Grid: rows
 * of a head group, slices of batch and heads.
 */
export function takeShader(
  variant: Variant,
  wants: { readonly output: boolean; readonly weights: boolean },
): Shader {
  const { valueDim, type, cacheType, rows } = variant;
  const values = valueTensor(variant);
  const rowResult = (plane: keyof typeof ROW_PLANES): string =>
    `rowResults[${ROW_PLANES[plane]}u * params.rows + place]`;
  return shaderOf({
    label: 'chosen values',
    bindings: [
      read('table'),
      read('rowResults'),
      ...(wants.output
        ? [...cacheBindings(variant, { key: false, value: true }), writtenRows('output', rows.output)]
        : []),
      ...(wants.weights ? [written('weightsOut', writtenElement(type))] : []),
    ],
    declarations: [
      FINITE,
      conversions(type, cacheType),
      wants.weights ? numberWriter('weightsOut', type) : '',
      FLAGS,
      BATCH,
      blockFunctions(true),
      wants.output
        ? [
            addresses(values, 'output'),
            cacheFunctions(variant, { key: false, value: true }),
            rowLoader('value', rows.value, values),
            rowWriter('output', rows.output),
          ].join('\n')
        : '',
    ],
    main: `
  let x = group.x + params.firstX;
  let y = group.y + params.firstY;
  let block = blockOf(x, y, 1u);
  let place = placeOf(block, x);
  let choice = bitcast<i32>(${rowResult('choice')});
  let isFlagged = (${rowResult('flags')} & SCORE_FLAG) != 0u;
  if (choice < 0) { return; }
  ${
    wants.output
      ? `
  let stored = cachePlace(block.batch, u32(choice));
  let source = ${values}Row(stored.x, block.kvHead, stored.y);
  let outputAt = outputRow(block.batch, headOf(block, x), indexOf(x));
  for (var n = thread; n < ${vectorsOf(valueDim)}u; n += ${THREADS}u) {
    write_output(outputAt, n, select(valueAt(source, n), vec4u(NAN), isFlagged));
  }`
      : ''
  }
  ${
    wants.weights
      ? `
  if (thread == 0u) {
    store_weightsOut(place * params.keyLength - params.weightsBase + u32(choice)${variant.ring ? ' % params.keyLength' : ''},
      vec4u(select(0x3f800000u, NAN, isFlagged)), 1u);
  }`
      : ''
  }`,
  });
}
