import ts from '@heed/backend-ts';
import { expect, test } from 'vitest';
import { holds } from './example.ts';
import { EXAMPLES } from './examples.ts';

// One seed; `sweep` runs five.
test.each(EXAMPLES.map((example) => [example.name, example] as const))(
  '%s: its claim holds',
  async (_, example) => {
    const backend = await ts.create();
    const { measures, parameters, picture } = await example.run(backend, 1);
    for (const measure of measures) expect(holds(measure), `${measure.what}: ${measure.value}`).toBe(true);
    expect(parameters[0]).toBe(parameters[1]);
    expect(picture).toMatch(/^<svg/);
    await backend.dispose();
  },
);
