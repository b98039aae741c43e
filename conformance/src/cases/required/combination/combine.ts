import type { AgreementCase } from '../../../case.ts';
import { type Lengths, type Sketch, lengthsOf } from '../../../sketch.ts';
import { coverTriples } from './covering-array.ts';

/** A level by its name, and the part of a sketch that it adds, given the lengths. */
export type Level = readonly [name: string, add: Sketch | ((lengths: Lengths) => Sketch)];

/** Makes a sketch of a level of each factor. */
export function combine(levels: readonly Level[], headDim = 5): Sketch {
  const sketch: Sketch = { headDim };
  // Heads and lengths come first: later levels are made to their measure.
  for (const [, add] of levels)
    Object.assign(sketch, typeof add === 'function' ? add(lengthsOf(sketch)) : add);
  const { gradient: _, ...withoutGradient } = sketch;
  const hard = (sketch.selection ?? 'softmax') !== 'softmax';
  return {
    // Hard attention has no gradient: those rows test the choice instead.
    ...(hard ? { ...withoutGradient, outputs: [...(sketch.outputs ?? ['output']), 'choice'] } : sketch),
    // ALiBi needs an alignment where lengths differ.
    ...(sketch.alibi && sketch.alignment === undefined && { alignment: 'topLeft' as const }),
  };
}

/**
 * Makes cases in which every three levels of different factors meet, each case once.
 *
 * @param caseOf makes a case of the names that its levels have, joined by `+`, and the levels.
 */
export function everyThree(
  factors: readonly (readonly Level[])[],
  caseOf: (name: string, levels: readonly Level[]) => AgreementCase,
): AgreementCase[] {
  const cases = coverTriples(factors.map((levels) => levels.length)).map((row) => {
    const levels = row.map((level, factor) => factors[factor]![level]!);
    return caseOf(levels.flatMap(([name]) => name || []).join('+'), levels);
  });
  return [...new Map(cases.map((theCase) => [theCase.id, theCase])).values()];
}
