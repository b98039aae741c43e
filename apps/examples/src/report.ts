import { type Outcome, holds } from './example.ts';

/** Measurements of a run, beside what the claim requires. */
export function reportOf({ measures, parameters, steps }: Outcome, seconds: number): string {
  const lines = measures.map((measure) => {
    const { what, value, atLeast, atMost } = measure;
    const asked = [
      ...(atLeast === undefined ? [] : [`at least ${atLeast.toFixed(3)}`]),
      ...(atMost === undefined ? [] : [`at most ${atMost.toFixed(3)}`]),
    ];
    const mark = asked.length === 0 ? ' ' : holds(measure) ? '✓' : '✗';
    return `${mark} ${value.toFixed(3)}  ${what}${asked.length === 0 ? '' : ` (${asked.join(', ')})`}`;
  });
  const [attending, other] = parameters;
  lines.push(`  ${attending} and ${other} parameters, ${steps} steps each, ${seconds.toFixed(0)} s in all`);
  return lines.join('\n');
}
