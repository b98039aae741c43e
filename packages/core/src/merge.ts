import { HeedError } from './error.ts';
import { cast, computeDType, widened } from './float16.ts';
import type { Statistics } from './inputs.ts';
import { checkOptions } from './options/check-options.ts';
import { oneOf } from './options/kinds.ts';
import { kindOf, shown } from './options/shown.ts';
import type { Layout } from './problem.ts';
import {
  type ComputeDType,
  type FloatDType,
  type PlainTensorLike,
  type Tensor,
  checkTensor,
  zeros,
} from './tensor.ts';
import { isFloat, toTensor } from './tensor-like.ts';

/** Attention over some of the keys: result of {@link mergeAttention} and, with any tensor-like values, its argument. */
export interface AttentionPart<T = Tensor> {
  readonly output: T;
  readonly statistics: Statistics<T>;
}

/**
 * Merges attention over parts of the keys into attention over all keys, exactly: each part's output is weighted by its
 * share of the softmax's denominator (the merge step of FlashAttention, Dao et al. 2022, section 3.1, of split decoding
 * and of attention distributed over machines). Parts with no keys are neutral. A sink belongs to exactly one part.
 *
 * @param parts in any order, all of one shape and dtype: tensors, `{ data, shape }` or nested arrays, whose numbers take
 *   the dtype of the first part's output. `layout` is that of the outputs, default `bhld`.
 * @throws HeedError `ARGUMENT` if there are no parts; `SHAPE` or `DTYPE` if parts differ; `UNKNOWN_OPTION`.
 */
export function mergeAttention(
  parts: readonly AttentionPart<PlainTensorLike>[],
  options: { readonly layout?: Layout } = {},
): AttentionPart {
  checkOptions('mergeAttention()', options, { layout: oneOf('bhld', 'blhd') });
  if (!Array.isArray(parts)) {
    throw new HeedError('ARGUMENT', `parts is ${shown(parts)}; expected an array`, {
      clause: 'merge',
      remedy: 'give the parts in an array, each { output, statistics }',
    });
  }
  if (parts.length === 0) {
    throw new HeedError('ARGUMENT', 'parts is empty; expected at least one', {
      clause: 'merge',
      remedy: 'give at least one part: { output, statistics }',
    });
  }
  const layout = options.layout ?? 'bhld';
  const first = tensorsOf(parts[0]!, 0, 'float32');
  const dtype = first.output.dtype as FloatDType;
  const checked = Array.from(parts, (part, index) => tensorsOf(part, index, dtype));
  checked.forEach((part, index) => checkPart(part, checked[0]!, index, layout));
  const wide = checked.map((part) => widened(part));
  const { output, statistics } = merged(wide, layout);
  return { output: cast(output, dtype), statistics };
}

function merged(parts: readonly AttentionPart[], layout: Layout): AttentionPart {
  const [first] = parts as [AttentionPart];
  const dtype = first.output.dtype as ComputeDType;
  const output = zeros(dtype, first.output.shape);
  const rowMax = zeros(dtype, first.statistics.rowMax.shape);
  const rowSum = zeros(dtype, first.statistics.rowMax.shape);
  const [, heads, length] = rowMax.shape as [number, number, number];
  const depth = first.output.shape[3]!;

  for (let row = 0; row < rowMax.data.length; row++) {
    let max = -Infinity;
    for (const part of parts) {
      const partMax = part.statistics.rowMax.data[row]!;
      max = partMax > max || Number.isNaN(partMax) ? partMax : max;
    }
    let sum = 0;
    for (const part of parts) sum += share(part, row, max);
    rowMax.data[row] = max;
    rowSum.data[row] = sum;

    const at = outputRow(row, heads, length, layout) * depth;
    for (let d = 0; d < depth; d++) {
      let weighted = 0;
      for (const part of parts) {
        const partShare = share(part, row, max);
        // An empty part is skipped, not multiplied by zero: it contributes nothing.
        if (part.statistics.rowSum.data[row] !== 0) weighted += partShare * part.output.data[at + d]!;
      }
      output.data[at + d] = sum === 0 ? 0 : weighted / sum;
    }
  }
  return { output, statistics: { rowMax, rowSum } };
}

/** A part's row sum, relative to the whole row's maximum. */
function share({ statistics }: AttentionPart, row: number, max: number): number {
  const sum = statistics.rowSum.data[row]!;
  return sum === 0 ? 0 : sum * Math.exp(statistics.rowMax.data[row]! - max);
}

/** The row of the output that belongs to row `[b, h, i]` of the statistics. */
function outputRow(row: number, heads: number, length: number, layout: Layout): number {
  if (layout === 'bhld') return row;
  const i = row % length;
  const h = Math.floor(row / length) % heads;
  const b = Math.floor(row / (length * heads));
  return (b * length + i) * heads + h;
}

/** Returns a part as tensors whose data fill their shapes. */
function tensorsOf(part: AttentionPart<PlainTensorLike>, index: number, floats: FloatDType): AttentionPart {
  if (kindOf(part) !== 'Object') {
    throw new HeedError('ARGUMENT', `part ${index} is ${shown(part)}; expected { output, statistics }`, {
      clause: 'merge',
      remedy: 'ask each call for its statistics, and give its results',
    });
  }
  const tensorOf = (name: string, value: unknown, dtype: FloatDType): Tensor => {
    const made: unknown = toTensor(`${name} of part ${index}`, value, 'float', dtype);
    checkTensor(`${name} of part ${index}`, made);
    return made;
  };
  return {
    output: tensorOf('output', part.output, floats),
    statistics: {
      rowMax: tensorOf('rowMax', part.statistics?.rowMax, computeDType(floats)),
      rowSum: tensorOf('rowSum', part.statistics?.rowSum, computeDType(floats)),
    },
  };
}

function checkPart(part: AttentionPart, first: AttentionPart, index: number, layout: Layout): void {
  const tensors = { output: part.output, ...part.statistics };
  if (part.output.shape.length !== 4) {
    const letters = layout === 'bhld' ? '[B, Hq, Lq, Dv]' : '[B, Lq, Hq, Dv]';
    throw new HeedError(
      'SHAPE',
      `output of part ${index} is [${part.output.shape.join(', ')}]; expected ${letters}`,
      {
        clause: 'merge',
      },
    );
  }
  const [b, second, third] = first.output.shape;
  const rows = layout === 'bhld' ? [b, second, third] : [b, third, second];
  const expected = { output: first.output.shape, rowMax: rows, rowSum: rows };
  for (const [name, value] of Object.entries(tensors)) {
    const shape = expected[name as keyof typeof expected];
    if (value.shape.join() !== shape.join()) {
      throw new HeedError(
        'SHAPE',
        `${name} of part ${index} is [${value.shape.join(', ')}]; expected [${shape.join(', ')}]`,
        { clause: 'merge' },
      );
    }
    const { dtype } = first.output;
    const right = isFloat(dtype) && name !== 'output' ? computeDType(dtype) : dtype;
    if (value.dtype !== right || !isFloat(dtype)) {
      throw new HeedError(
        'DTYPE',
        `${name} of part ${index} is ${value.dtype}; the output of part 0 is ${dtype}`,
        {
          clause: 'merge',
          remedy: 'merge parts of one type, with statistics as the runs returned them',
        },
      );
    }
  }
}
