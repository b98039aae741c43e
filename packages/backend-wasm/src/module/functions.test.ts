import { ModuleBuilder, int, v128 } from '@heed/core/wasm';
import { describe, expect, test } from 'vitest';
import { elementOf } from './element.ts';
import { exponential } from './exponential.ts';
import { logarithm } from './logarithm.ts';

function exportsOf(
  module: ModuleBuilder,
  memory: WebAssembly.Memory,
): Record<string, (...n: number[]) => number> {
  const compiled = new WebAssembly.Module(module.build('unshared'));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as never;
}

describe.each(['float32', 'float64'] as const)('the exponential in %s', (dtype) => {
  const element = elementOf(dtype, false, false);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const numbers = dtype === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
  const module = new ModuleBuilder();
  module.function({ parameters: [], name: 'exp' }, (body) => {
    const x = body.local('v128');
    const exp = exponential(element, body);
    return [exp.prepare, x.set(v128.load(int(0))), x.set(exp.of(x)), v128.store(int(0), x)];
  });
  module.function({ parameters: [], name: 'minusOne' }, (body) => {
    const x = body.local('v128');
    const power = body.local('v128');
    const exp = exponential(element, body);
    return [exp.prepare, x.set(v128.load(int(0))), x.set(exp.minusOne(x, power)), v128.store(int(0), x)];
  });
  const exports = exportsOf(module, memory);
  const apply = (name: string, x: number): number => {
    numbers[0] = x;
    exports[name]!();
    return numbers[0];
  };
  const epsilon = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  const rounded = (x: number): number => (dtype === 'float32' ? Math.fround(x) : x);

  const minimum = dtype === 'float32' ? -87.32 : -708.38;

  test('is within two roundings of exp, down to the minimum normal number, and exact at 0', () => {
    for (let n = 0; n <= 20000; n++) {
      const x = rounded((n / 20000) * minimum);
      const error = Math.abs(apply('exp', x) / Math.exp(x) - 1);
      // Besides roundings, that of n · ln 2 grows with |x|.
      expect(error, `exp(${x})`).toBeLessThan(epsilon * (3 + 0.1 * Math.abs(x)));
    }
    expect(apply('exp', 0)).toBe(1);
  });

  test('of −∞ is exactly 0, of NaN is NaN', () => {
    expect(apply('exp', -Infinity)).toBe(0);
    expect(apply('exp', -3e38)).toBe(0);
    expect(apply('exp', minimum - 0.1)).toBe(0);
    expect(apply('exp', NaN)).toBeNaN();
  });

  test('minus one keeps its digits near 0', () => {
    for (let n = 0; n < 4000; n++) {
      const x = rounded(40 * (n / 4000) ** 4);
      const exact = Math.expm1(x);
      expect(Math.abs(apply('minusOne', x) - exact), `expm1(${x})`).toBeLessThanOrEqual(8 * epsilon * exact);
    }
    expect(apply('minusOne', NaN)).toBeNaN();
  });
});

test('the logarithm is that of Math, to a few units in the last place', () => {
  const module = new ModuleBuilder();
  const log = logarithm(module);
  module.function({ parameters: ['f64'], result: 'f64', name: 'log' }, (_, x) => log(x));
  const exports = exportsOf(module, new WebAssembly.Memory({ initial: 1 }));
  for (let n = 1; n < 20000; n++) {
    for (const x of [n / 97, n * 2 ** -24, 1 - n * 2 ** -24, n * 1e280, n * 1e-290]) {
      const exact = Math.log(x);
      expect(Math.abs(exports['log']!(x) - exact), `log(${x})`).toBeLessThanOrEqual(8e-16 * Math.abs(exact));
    }
  }
  expect(exports['log']!(1)).toBe(0);
});
