import type { ConformanceCase } from '../case.ts';
import type { Sketch } from '../sketch.ts';
import { agreements } from './build.ts';
import { VARIATIONS } from './variations.ts';

/** Everything again in float64: a detour through float32 shows, its error is 2²⁹ times as large. */
export function dtypeCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { control: { dtype: 'float64', queryLength: 5, keyLength: 9 } };
  for (const [name, sketch] of Object.entries(VARIATIONS)) {
    const all: Sketch = {
      ...sketch,
      dtype: 'float64',
      outputs: ['output', 'weights', 'logSumExp', 'statistics'],
    };
    sketches[`float64/${name}`] = { ...sketch, dtype: 'float64' };
    sketches[`float64/all-outputs/${name}`] = all;
    sketches[`float64/gradient/${name}`] = { ...sketch, dtype: 'float64', gradient: true };
  }
  return agreements('dtype', sketches);
}
