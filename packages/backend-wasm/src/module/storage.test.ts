import { ModuleBuilder, int, v128 } from '@heed/core/wasm';
import { halfTable, toHalf } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import { elementOf } from './element.ts';
import { storageOf } from './storage.ts';

describe.each(['float16', 'bfloat16'] as const)('%s', (dtype) => {
  const storage = storageOf(dtype, elementOf('float32', false, false));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const words = new Uint16Array(memory.buffer);
  const numbers = new Float32Array(memory.buffer);
  const module = new ModuleBuilder();
  module.function({ parameters: [], name: 'load' }, (body) =>
    v128.store(int(16), storage.load(body, int(0))),
  );
  module.function({ parameters: [], name: 'loadPair' }, (body) => {
    const { prepare, low, high } = storage.loadPair(body, int(0));
    return [prepare, v128.store(int(32), low), v128.store(int(48), high)];
  });
  module.function({ parameters: [], name: 'loadSplat' }, (body) =>
    v128.store(int(64), storage.loadSplat(body, int(2))),
  );
  module.function({ parameters: [], name: 'store' }, (body) => {
    const x = body.local('v128');
    return [
      x.set(v128.load(int(80))),
      storage.store(body, int(96), x),
      storage.store(body, int(104), x, { lanes: 3 }),
    ];
  });
  const compiled = new WebAssembly.Module(module.build('unshared'));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const call = exports as Record<string, () => void>;

  test('every number is read exactly, and written back', () => {
    const table = halfTable(dtype);
    for (let bits = 0; bits < 2 ** 16; bits += 8) {
      words.set(
        Array.from({ length: 8 }, (_, n) => bits + n),
        0,
      );
      for (const name of ['load', 'loadPair', 'loadSplat']) call[name]!();
      const expected = [...table.subarray(bits, bits + 8)];
      expect([...numbers.subarray(4, 8)]).toEqual(expected.slice(0, 4));
      expect([...numbers.subarray(8, 16)]).toEqual(expected);
      expect([...numbers.subarray(16, 20)]).toEqual(Array(4).fill(expected[1]));
      numbers.set(expected.slice(0, 4), 20);
      call['store']!();
      const nan = dtype === 'float16' ? 0x7e00 : 0x7fc0;
      const back = expected.slice(0, 4).map((x, n) => (Number.isNaN(x) ? nan : bits + n));
      expect([...words.subarray(48, 52)].map((x, n) => (Number.isNaN(expected[n]) ? x & 0x7fff : x))).toEqual(
        back,
      );
    }
  });

  test('numbers are rounded to the nearest one, ties to even, as core rounds them', () => {
    const patterns: number[] = [];
    // All exponents, and fractions around each tie.
    for (let exponent = 0; exponent < 256; exponent++) {
      for (const step of [13, 16]) {
        for (let odd = 0; odd < 4; odd++) {
          for (const offset of [-1, 0, 1]) {
            const fraction = (odd << (step - 1)) + offset;
            patterns.push((exponent << 23) | (fraction & 0x7fffff), (exponent << 23) | (0x7fffff - odd));
          }
        }
      }
    }
    for (let n = 0; n < 50_000; n++) patterns.push(Math.imul(n, 0x9e3779b1) >>> 1);
    const all = Uint32Array.from(patterns.flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]));
    const floats = new Float32Array(all.buffer);
    const expected = new Uint16Array(floats.length);
    toHalf(dtype, floats, expected);
    const isNaN16 = (bits: number): boolean => (bits & 0x7fff) > (dtype === 'float16' ? 0x7c00 : 0x7f80);
    for (let at = 0; at + 4 <= floats.length; at += 4) {
      new Uint32Array(memory.buffer).set(all.subarray(at, at + 4), 20);
      words[55] = 0xabcd;
      call['store']!();
      const stored = [...words.subarray(48, 56)];
      for (let n = 0; n < 4; n++) {
        const right = expected[at + n]!;
        const same = isNaN16(right) ? isNaN16(stored[n]!) : stored[n] === right;
        expect(same, `${floats[at + n]} became ${stored[n]}; expected ${right}`).toBe(true);
      }
      expect(stored.slice(4)).toEqual([...stored.slice(0, 3), 0xabcd]);
    }
  });
});
