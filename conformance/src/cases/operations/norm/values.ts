import type { BehaviorCase } from '../../../case.ts';
import { normFault, normGradientFault } from '../../../judge/norm.ts';
import { ensure } from '../../building/behavior.ts';
import { everything, withOperation } from '../kernel.ts';
import { type NormSketch, normCase } from './sketch.ts';

const KINDS = ['layer', 'rms'] as const;

const SHAPES: Readonly<Record<string, Omit<NormSketch, 'kind'>>> = {
  'one-number': { width: 1, rows: [2], bias: true },
  'a-vector': { width: 8, rows: [] },
  'odd-width': { width: 7, rows: [2, 3], bias: true },
  'behind-a-vector': { width: 67, rows: [5] },
  'many-rows': { width: 20, rows: [3, 47], bias: true },
  'many-numbers': { width: 388, rows: [350], bias: true },
  wide: { width: 1536, rows: [4], bias: true },
  'no-rows': { width: 8, rows: [2, 0], bias: true },
  'far-from-0': { width: 96, rows: [6], mean: 300, bias: true },
  small: { width: 40, rows: [5], spread: 1e-3 },
  'large-epsilon': { width: 33, rows: [5], epsilon: 0.5, bias: true },
  float64: { width: 37, rows: [9], bias: true, dtype: 'float64' },
};

function value(name: string, sketch: NormSketch): BehaviorCase {
  return normCase(name, sketch, async ({ backend, setting }) => {
    const { problem, inputs } = setting;
    const { output } = await withOperation(backend, setting, (kernel) => kernel.run(inputs));
    const fault = normFault(problem, inputs, output);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: NormSketch): BehaviorCase {
  const asked = { ...sketch, gradient: true };
  return normCase(name, asked, async ({ backend, setting }) => {
    const { problem, inputs, forward } = setting;
    const results = await withOperation(backend, setting, (kernel) => everything(kernel, setting));
    const fault = normGradientFault(problem, inputs, forward, results);
    ensure(fault === null, fault ?? '');
  });
}

/** Rows without influence hold NaN and infinity. */
function ignoredRow(name: string, sketch: NormSketch, ignored: readonly number[]): BehaviorCase {
  const asked = { ...sketch, gradient: true };
  return normCase(name, asked, async ({ backend, setting }) => {
    const { problem, inputs, forward } = setting;
    const { width } = problem;
    for (const row of ignored) forward.dOutput.data.fill(0, row * width, (row + 1) * width);
    const spoiled = structuredClone(setting);
    for (const row of ignored)
      spoiled.inputs.input.data.fill(row % 2 === 0 ? NaN : Infinity, row * width, (row + 1) * width);
    const results = await withOperation(backend, setting, (kernel) => everything(kernel, spoiled));
    const fault = normGradientFault(problem, inputs, forward, results);
    ensure(fault === null, `with NaN in rows whose dOutput is 0: ${fault}`);
  });
}

export function normValueCases(): BehaviorCase[] {
  return KINDS.flatMap((kind) => [
    ...Object.entries(SHAPES).map(([name, sketch]) => value(`values/${kind}/${name}`, { ...sketch, kind })),
    ...Object.entries(SHAPES).map(([name, sketch]) =>
      gradient(`gradient/${kind}/${name}`, { ...sketch, kind }),
    ),
    gradient(`gradient/${kind}/residual`, { kind, width: 45, rows: [2, 6], bias: true, residual: true }),
    gradient(`gradient/${kind}/long-sums`, { kind, width: 21, rows: [700], bias: true }),
    ignoredRow(`ignored-row/${kind}`, { kind, width: 19, rows: [6], bias: true, residual: true }, [0, 3, 5]),
    ignoredRow(`ignored-row/${kind}/many`, { kind, width: 24, rows: [300] }, [0, 17, 18, 255, 256, 299]),
  ]);
}
