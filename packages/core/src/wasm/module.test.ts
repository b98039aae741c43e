import { describe, expect, test } from 'vitest';
import { after, count, drop, repeatWhile, select, when } from './control.ts';
import { flatten, signed, signed64, unsigned } from './code.ts';
import { convert, f32, f32x4, f64, i32, i64, int, v128 } from './instructions.ts';
import { ModuleBuilder } from './module.ts';

type Exports = Record<string, (...values: number[]) => number>;

function instantiate(module: ModuleBuilder, memory = new WebAssembly.Memory({ initial: 1 })): Exports {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build('unshared')), {
    env: { memory },
  });
  return instance.exports as unknown as Exports;
}

describe('integers', () => {
  test.each([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('%i is LEB128', (value, bytes) => {
    expect(flatten(unsigned(value))).toEqual(bytes);
  });

  test.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-123456, [0xc0, 0xbb, 0x78]],
  ])('%i is signed LEB128', (value, bytes) => {
    expect(flatten(signed(value))).toEqual(bytes);
    expect(flatten(signed64(BigInt(value)))).toEqual(bytes);
  });

  test('constants have all their bits', () => {
    const values = [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)];
    const module = new ModuleBuilder();
    values.forEach((value, n) =>
      module.function({ parameters: [], result: 'i32', name: `v${n}` }, () => int(value)),
    );
    const exports = instantiate(module);
    expect(values.map((_, n) => exports[`v${n}`]!())).toEqual(values);
  });
});

test('functions call functions, with loops, conditions and locals', () => {
  const module = new ModuleBuilder();
  const square = module.function({ parameters: ['i32'], result: 'i32' }, (_, x) => i32.mul(x, x));
  module.function({ parameters: ['i32'], result: 'i32', name: 'oddSquares' }, (body, n) => {
    const i = body.local('i32');
    const sum = body.local('i32');
    return after(count(i, int(0), n, 1, when(i32.and(i, int(1)), sum.set(i32.add(sum, square(i))))), sum);
  });
  module.function({ parameters: ['i32'], result: 'i32', name: 'halvings' }, (body, n) => {
    const turns = body.local('i32');
    return after(
      repeatWhile(n.tee(i32.shrU(n, int(1))), turns.set(i32.add(turns, int(1)))),
      select(turns, int(-1), i32.ltU(turns, int(4))),
    );
  });
  const exports = instantiate(module);
  expect(exports['oddSquares']!(6)).toBe(1 + 9 + 25);
  expect([1, 2, 4, 1000].map((n) => exports['halvings']!(n))).toEqual([1, 2, 3, -1]);
});

test('globals belong to an instance', () => {
  const module = new ModuleBuilder();
  const total = module.global('i32');
  module.function({ parameters: ['i32'], result: 'i32', name: 'add' }, (_, n) =>
    after(total.set(i32.add(total, n)), total),
  );
  const [one, other] = [instantiate(module), instantiate(module)];
  one['add']!(5);
  expect(one['add']!(2)).toBe(7);
  expect(other['add']!(1)).toBe(1);
});

test('vectors and memory', () => {
  const module = new ModuleBuilder();
  module.function({ parameters: ['i32'], name: 'double' }, (_, at) =>
    v128.store(at, f32x4.add(v128.load(at), v128.load(at)), 16),
  );
  module.function({ parameters: [], result: 'i32', name: 'high' }, () =>
    i32.wrap(i64.shrU(i64.mul(i64.const(0xffffffffn), i64.const(0xffffffffn)), i64.const(32n))),
  );
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float32Array(memory.buffer);
  floats.set([1, 2, 3, 4]);
  const exports = instantiate(module, memory);
  exports['double']!(0);
  expect([...floats.subarray(4, 8)]).toEqual([2, 4, 6, 8]);
  expect(exports['high']!()).toBe(-2);
});

test('roots, and floats as doubles', () => {
  const module = new ModuleBuilder();
  module.function({ parameters: ['f64'], result: 'f64', name: 'root' }, (_, x) => f64.sqrt(x));
  module.function({ parameters: ['f32'], result: 'f32', name: 'root32' }, (_, x) => f32.sqrt(x));
  module.function({ parameters: ['i32'], name: 'widen' }, (_, at) =>
    v128.store(at, convert.f64x2FromF32x4(v128.load(at)), 16),
  );
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Float32Array(memory.buffer).set([1.5, -0.1, 3, 4]);
  const exports = instantiate(module, memory);
  exports['widen']!(0);
  expect([...new Float64Array(memory.buffer, 16, 2)]).toEqual([1.5, Math.fround(-0.1)]);
  expect(exports['root']!(2)).toBe(Math.SQRT2);
  expect(exports['root32']!(2)).toBe(Math.fround(Math.SQRT2));
});

test('a module for shared memory takes one of the maximum size', () => {
  const module = new ModuleBuilder();
  module.function({ parameters: [], result: 'i32', name: 'one' }, () => int(1));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const compiled = new WebAssembly.Module(module.build('shared'));
  expect(() => new WebAssembly.Instance(compiled, { env: { memory } })).not.toThrow();
});

test('a module without memory asks for nothing, and a function may return early', () => {
  const module = new ModuleBuilder();
  module.function({ parameters: ['i32'], result: 'i32', name: 'clamped' }, (body, n) =>
    after([when(i32.gtS(n, int(9)), body.return(int(9))), drop(n)], n),
  );
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build('none')));
  const { clamped } = exports as unknown as Exports;
  expect([3, 9, 10].map((n) => clamped!(n))).toEqual([3, 9, 9]);
});

test('TypeScript refuses what an engine would: types, numbers of arguments, and values left behind', () => {
  const module = new ModuleBuilder();
  const square = module.function({ parameters: ['f64'], result: 'f64' }, (_, x) => f64.mul(x, x));
  module.function({ parameters: ['i32'] }, (body, n) => {
    const [left, right] = body.locals('v128', 2);
    // @ts-expect-error an integer is not a float
    void f64.add(f64.const(1), n);
    // @ts-expect-error an integer is not a float
    void square(n);
    // @ts-expect-error too few arguments
    void square();
    // @ts-expect-error a vector is not an address
    void v128.load(left);
    // @ts-expect-error a variable keeps its type
    void n.set(left);
    // @ts-expect-error both sides of a choice have one type
    void select(n, left, n);
    // @ts-expect-error there are two of them
    void (([, , third]) => third)(body.locals('v128', 2));
    // @ts-expect-error a statement leaves nothing
    void n.set(n.set(n));
    return [left.set(right)];
  });
  // @ts-expect-error a value would stay on the stack
  const leftBehind = (): void => void module.function({ parameters: [] }, () => int(1));
  // @ts-expect-error the result is missing
  const missing = (): void => void module.function({ parameters: [], result: 'i32' }, () => []);
  // @ts-expect-error bytes are not code
  const bytes = (): unknown => i32.add([0x41, 0], int(1));
  // Engines refuse the same code.
  leftBehind();
  missing();
  bytes();
  expect(() => instantiate(module)).toThrow(WebAssembly.CompileError);
});
