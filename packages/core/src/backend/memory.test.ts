import { sizeOf } from '../tensor.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ResidentTensor, type Tensor, attention, tensor } from '../index.ts';
import { type DeviceMemory, defineBackend } from './index.ts';
import reference from '../reference/index.ts';

const counting = (shape: number[], from: number): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, at) => from + at),
    shape,
  );

/** Expected result of a write: index by index, without strides. */
function written(whole: Tensor, part: Tensor, axis: number, start: number): number[] {
  const indices = whole.shape.reduce<number[][]>(
    (all, length) => all.flatMap((index) => Array.from({ length }, (_, at) => [...index, at])),
    [[]],
  );
  return indices.map((index, at) => {
    const inPart = index.map((place, a) => (a === axis ? place - start : place));
    if (inPart[axis]! < 0 || inPart[axis]! >= part.shape[axis]!) return whole.data[at]!;
    return part.data[inPart.reduce((offset, place, a) => offset * part.shape[a]! + place, 0)]!;
  });
}

describe('a resident tensor on the host', () => {
  test('is written at any axis, and nothing else changes', async () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(), fc.nat(), fc.nat(), async (shape, a, s, l) => {
        const axis = a % shape.length;
        const start = s % shape[axis]!;
        const length = l % (shape[axis]! - start + 1);
        const whole = counting(shape, 0);
        const part = counting(
          shape.map((full, at) => (at === axis ? length : full)),
          1000,
        );
        const resident = await (await reference.create()).upload(whole);
        await resident.write(part, { axis, start });
        expect([...(await resident.read()).data]).toEqual(written(whole, part, axis, start));
        expect([...whole.data]).toEqual([...counting(shape, 0).data]);
      }),
    );
  });

  test('is a copy on the way in and on the way out', async () => {
    const plain = counting([2, 2], 0);
    const resident = await (await reference.create()).upload(plain);
    plain.data.fill(7);
    const read = await resident.read();
    read.data.fill(8);
    expect([...(await resident.read()).data]).toEqual([0, 1, 2, 3]);
  });

  const at = { axis: 0, start: 0 };
  test.each<[string, Tensor, { axis: number; start: number }, string]>([
    ['another dtype', tensor(new Float64Array(3), [1, 3]), at, 'DTYPE'],
    ['another rank', counting([3], 9), at, 'SHAPE'],
    ['another length beside the axis', counting([1, 2], 9), at, 'SHAPE'],
    ['past the end', counting([2, 3], 9), { axis: 0, start: 1 }, 'SHAPE'],
    ['before the start', counting([1, 3], 9), { axis: 0, start: -1 }, 'SHAPE'],
    ['between two rows', counting([1, 3], 9), { axis: 0, start: 0.5 }, 'SHAPE'],
    ['an axis that is not there', counting([2, 3], 9), { axis: 2, start: 0 }, 'SHAPE'],
  ])('refuses %s and stays as it was', async (_, part, position, code) => {
    const resident = await (await reference.create()).upload(counting([2, 3], 0));
    await expect(resident.write(part, position)).rejects.toMatchObject({ code });
    expect([...(await resident.read()).data]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('after dispose() is refused everywhere; a second dispose() is safe', async () => {
    const backend = await reference.create();
    const resident = await backend.upload(counting([1, 1, 1, 1], 0));
    resident.dispose();
    resident.dispose();
    await expect(resident.read()).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(resident.write(counting([1, 1, 1, 1], 0), at)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

/** Memory of an engine with immutable tensors: a write makes a new one, asynchronously. */
function immutableMemory(): { memory: DeviceMemory<Native>; live: Set<Native> } {
  const live = new Set<Native>();
  const made = (plain: Tensor): Native => {
    const native = { dtype: plain.dtype, shape: plain.shape, inside: structuredClone(plain) };
    live.add(native);
    return native;
  };
  const free = (native: Native): void => {
    if (!live.delete(native)) throw new Error('freed twice');
  };
  const memory: DeviceMemory<Native> = {
    upload: made,
    async download(native) {
      if (!live.has(native)) throw new Error('used after free');
      return structuredClone(native.inside);
    },
    async write(native, part, at) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const data = Float32Array.from(written(native.inside, part, at.axis, at.start as number));
      free(native);
      return made({ ...native.inside, data } as Tensor);
    },
    reshape: ({ inside }, shape) => made({ ...inside, shape } as Tensor),
    free,
  };
  return { memory, live };
}

interface Native {
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  readonly inside: Tensor;
}

async function uploaded(): Promise<{ resident: ResidentTensor; live: Set<Native>; end(): Promise<void> }> {
  const { memory, live } = immutableMemory();
  const backend = defineBackend<Native>({
    name: 'engine',
    device: 'engine',
    capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
    memory,
    compile: () => Promise.reject(new Error('never')),
  });
  return { resident: await backend.upload(counting([2, 2], 0)), live, end: () => backend.dispose() };
}

describe('a resident tensor in the memory of an engine', () => {
  test('is one for a plain tensor that a call has in two places', async () => {
    const { memory, live } = immutableMemory();
    let during = -1;
    await using backend = defineBackend<Native>({
      name: 'engine',
      device: 'engine',
      capabilities: { dtypes: ['float32'], features: ['valueFromKey', 'valueDim'], guarantees: [] },
      memory,
      compile: () => ({
        plan: { algorithm: 'counting', tile: { query: 1, key: 1 }, scratchBytes: 0 },
        run: ({ query, key, value }) => {
          during = live.size;
          expect(value).toBe(key);
          expect(query).not.toBe(key);
          return { output: memory.upload(counting([1, 1, 1, 1], 0)) as Native };
        },
      }),
    });
    await attention(backend, {
      query: counting([1, 1, 1, 2], 0),
      key: counting([1, 1, 1, 2], 0),
      valueFromKey: { start: 0, length: 1 },
    });
    expect(during).toBe(2);
    expect(live.size).toBe(0);
  });

  test('takes overlapping writes one after another, and is read after them', async () => {
    const { resident, live } = await uploaded();
    const writes = [
      resident.write(counting([1, 2], 10), { axis: 0, start: 0 }),
      resident.write(counting([1, 2], 20), { axis: 0, start: 1 }),
    ];
    expect([...(await resident.read()).data]).toEqual([10, 11, 20, 21]);
    await Promise.all(writes);
    expect(live.size).toBe(1);
    resident.dispose();
    expect(live.size).toBe(0);
  });

  test('disposed while it is written to, is freed when that is done', async () => {
    const { resident, live } = await uploaded();
    const write = resident.write(counting([1, 2], 10), { axis: 0, start: 0 });
    resident.dispose();
    await expect(resident.read()).rejects.toMatchObject({ code: 'DISPOSED' });
    await write;
    await Promise.resolve();
    expect(live.size).toBe(0);
  });

  test('is seen through a view as it is after each write, and the view goes with its handle', async () => {
    const { resident, live } = await uploaded();
    const view = resident.view([4]);
    const write = resident.write(counting([1, 2], 10), { axis: 0, start: 0 });
    const held = view.hold();
    expect([...(await held.read()).data]).toEqual([10, 11, 2, 3]);
    await write;
    const another = view.write(counting([1], 20), { axis: 0, start: 3 });
    expect([...(await held.read()).data]).toEqual([10, 11, 2, 3]);
    held.dispose();
    await another;
    expect([...(await resident.read()).data]).toEqual([10, 11, 2, 20]);
    expect([...(await view.read()).data]).toEqual([10, 11, 2, 20]);
    view.dispose();
    expect(live.size).toBe(1);
    resident.dispose();
    expect(live.size).toBe(0);
  });

  test('goes with its backend', async () => {
    const { resident, live, end } = await uploaded();
    await end();
    expect(live.size).toBe(0);
    await expect(resident.read()).rejects.toMatchObject({ code: 'DISPOSED' });
    resident.dispose();
  });
});

// This package is compiled without the types of Node.
const { createHook } = (await import('node:async_hooks' as string)) as {
  createHook(callbacks: object): { enable(): void; disable(): void };
};

describe('writes that are not awaited', () => {
  const row = (n: number): Tensor => counting([1, 2], n);

  /** Counts the promises made while this many writes begin and end: one for each that another waits for. */
  async function promises(rows: number): Promise<number> {
    const resident = await (await reference.create()).upload(counting([rows, 2], 0));
    let count = 0;
    const hook = createHook({
      init: (_: number, type: string) => void (count += type === 'PROMISE' ? 1 : 0),
    });
    hook.enable();
    const writes = Array.from({ length: rows }, (_, n) => resident.write(row(n), { axis: 0, start: n }));
    for (const write of writes) await write;
    hook.disable();
    return count;
  }

  test('wait for the one before them, not for all', async () => {
    const few = await promises(200);
    expect(few).toBeGreaterThan(200);
    expect(await promises(400)).toBeLessThanOrEqual(2.1 * few);
  });

  test('are 4,000 in turn, and each has had its effect', async () => {
    const resident = await (await reference.create()).upload(counting([4000, 2], 0));
    for (let n = 0; n < 4000; n++) void resident.write(row(n), { axis: 0, start: n });
    const { data } = await resident.read();
    expect([...data]).toEqual(Array.from({ length: 8000 }, (_, n) => (n >> 1) + (n & 1)));
  });

  test('wait for the runs before them, and these for none behind', async () => {
    const { resident, live } = await uploaded();
    const held = resident.hold();
    const write = resident.write(counting([2, 2], 10), { axis: 0, start: 0 });
    const again = held.hold();
    held.dispose();
    expect([...(await again.read()).data]).toEqual([0, 1, 2, 3]);
    again.dispose();
    await write;
    expect([...(await resident.read()).data]).toEqual([10, 11, 12, 13]);
    resident.dispose();
    expect(live.size).toBe(0);
  });
});
