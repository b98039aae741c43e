import { tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { Heap } from './heap.ts';
import { type WasmTensor, wasmMemory } from './wasm-tensor.ts';

const PAGE = 65_536;

describe.for([false, true])('memory, shared: %s', (shared) => {
  test('grows on demand and keeps what it holds', () => {
    const heap = new Heap(shared);
    const numbers = { address: heap.allocate(4000), dtype: 'float32', length: 1000 } as const;
    heap.array(numbers).fill(7);
    const large = heap.allocate(100 * PAGE);
    expect(heap.memory.buffer.byteLength).toBeGreaterThan(large + 100 * PAGE);
    expect(heap.array(numbers).every((number) => number === 7)).toBe(true);
  });

  test('is used again after it was freed, instead of growing', () => {
    const heap = new Heap(shared);
    heap.free(heap.allocate(50 * PAGE));
    const before = heap.memory.buffer.byteLength;
    for (let n = 0; n < 100; n++) heap.free(heap.allocate(1 + n * 32_768));
    expect(heap.memory.buffer.byteLength).toBe(before);
    expect(heap.bytesTaken).toBe(0);
  });

  test('has an end, which is an error with a remedy and leaves the rest usable', () => {
    const heap = new Heap(shared, 64);
    const half = heap.allocate(32 * PAGE);
    for (const bytes of [32 * PAGE, 2 ** 32, 2 ** 50]) {
      expect(() => heap.allocate(bytes)).toThrow(
        expect.objectContaining({ code: 'OUT_OF_MEMORY', remedy: expect.stringContaining('dispose') }),
      );
    }
    heap.allocate(16 * PAGE);
    heap.free(half);
    expect(heap.allocate(30 * PAGE)).toBe(half);
    expect(heap.bytesTaken).toBe(46 * PAGE);
  });

  test('goes on for a little after the last block', () => {
    const heap = new Heap(shared);
    for (const bytes of [PAGE - 64, 2 * PAGE, 5 * PAGE + 64]) {
      const end = heap.allocate(bytes) + bytes;
      expect(heap.memory.buffer.byteLength).toBeGreaterThanOrEqual(end + 64);
    }
  });
});

describe('a tensor', () => {
  const heap = new Heap(false);
  const memory = wasmMemory(heap);
  const upload = (): WasmTensor =>
    memory.upload(
      tensor(
        Float32Array.from({ length: 12 }, (_, n) => n),
        [2, 3, 2],
      ),
    ) as WasmTensor;

  test('is written along any axis', async () => {
    for (const [axis, shape, expected] of [
      [0, [1, 3, 2], [0, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5, -6]],
      [1, [2, 1, 2], [0, 1, -1, -2, 4, 5, 6, 7, -3, -4, 10, 11]],
      [2, [2, 3, 1], [0, -1, 2, -2, 4, -3, 6, -4, 8, -5, 10, -6]],
    ] as const) {
      const native = upload();
      const size = shape.reduce<number>((product, length) => product * length, 1);
      const part = tensor(
        Float32Array.from({ length: size }, (_, n) => -1 - n),
        shape,
      );
      await memory.write(native, part, { axis, start: 1 });
      expect([...(await memory.download(native)).data]).toEqual(expected);
      memory.free(native);
    }
  });
});
