import { type Tensor, attention, resolveRequest, tensor } from '@heed/core';
import { writeSlices } from '@heed/core/backend';
import type { CaseRequest } from '../../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../../case.ts';
import { type Sketch, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior } from '../../building/behavior.ts';

/** Rows `start` to `end` of the sequence axis. */
function rows({ shape, data }: Tensor, axis: number, start: number, end: number): Tensor {
  const inner = shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  const outer = shape.slice(0, axis).reduce((size, length) => size * length, 1);
  const length = (end - start) * inner;
  const part = new Float32Array(outer * length);
  for (let o = 0; o < outer; o++) {
    const from = (o * shape[axis]! + start) * inner;
    part.set(data.subarray(from, from + length), o * length);
  }
  return tensor(part, shape.with(axis, end - start));
}

/**
 * Decoding as it is done: a cache of fixed capacity, written row by row, one kernel for all steps, key lengths that
 * grow. What is behind the length is poisoned, where the backend promises that it does not matter.
 */
function decoding(name: string, sketch: Sketch, steps: readonly number[]): BehaviorCase {
  const lengths: Sketch = { ...sketch, keyLengths: [0, 0] };
  return behavior('resident', `cache/${name}`, lengths, async ({ backend }, id) => {
    const whole = requestOf(lengths, id);
    const axis = sketch.layout === 'blhd' ? 1 : 2;
    const filler = backend.capabilities.guarantees.includes('padding') ? NaN : 0;
    const unwritten = ({ shape, data }: Tensor): Tensor =>
      tensor(new Float32Array(data.length).fill(filler), shape);
    const key = await backend.upload(unwritten(whole.key as Tensor));
    const value = await backend.upload(unwritten(whole.value as Tensor));
    const kernel = await backend.compile(resolveRequest(whole).problem);
    let length = 0;
    for (const [n, count] of steps.entries()) {
      const end = length + count;
      await key.write(rows(whole.key as Tensor, axis, length, end), { axis, start: length });
      await value.write(rows(whole.value as Tensor, axis, length, end), { axis, start: length });
      length = end;
      const { query } = requestOf(lengths, `${id}/${n}`);
      const step: CaseRequest = { ...whole, query, keyLengths: [length, length] };
      const what = `step ${n + 1}, with ${length} keys in the cache`;
      ensureAgrees(step, await kernel.run(resolveRequest({ ...step, key, value }).inputs), what);
      const results = await attention(backend, { ...step, key, value });
      ensureAgrees(step, results, `${what}, through attention()`);
    }
    key.dispose();
    value.dispose();
    await kernel.dispose();
  });
}

/** Sequences of unequal lengths: every element of the batch is written at its own end. */
function ragged(name: string, sketch: Sketch): BehaviorCase {
  const lengths: Sketch = { ...sketch, queryLength: 1, keyLength: 12, keyLengths: [0, 0] };
  return behavior('resident', `cache-ragged/${name}`, lengths, async ({ backend }, id) => {
    const whole = requestOf(lengths, id);
    const axis = sketch.layout === 'blhd' ? 1 : 2;
    const [wholeKey, wholeValue] = [whole.key as Tensor, whole.value as Tensor];
    const key = await backend.allocate('float32', wholeKey.shape);
    const value = await backend.allocate('float32', wholeValue.shape);
    const filled = { key: zerosLike(wholeKey), value: zerosLike(wholeValue) };
    const ends = [3, 7];
    for (let n = 0; n < 4; n++) {
      const start = ends.map((end) => end + n);
      for (const [resident, plain, all] of [
        [key, filled.key, wholeKey],
        [value, filled.value, wholeValue],
      ] as const) {
        const row = rows(all, axis, n, n + 1);
        await resident.write(row, { axis, start });
        writeSlices(plain, row, { axis, start });
      }
      const keyLengths = start.map((at) => at + 1);
      const step: CaseRequest = { ...whole, ...filled, keyLengths };
      const results = await attention(backend, { ...step, key, value });
      ensureAgrees(step, results, `step ${n + 1}, of ${keyLengths.join(' and ')} keys`);
    }
    key.dispose();
    value.dispose();
  });
}

function zerosLike({ shape, data }: Tensor): Tensor {
  return tensor(new Float32Array(data.length), shape);
}

/** Beams that go on from one another. */
function beams(): BehaviorCase {
  const sketch: Sketch = { batch: 4, queryLength: 1, keyLength: 9, kvHeads: 2, heads: 4 };
  return behavior('resident', 'cache-beams', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const [key, value] = [request.key as Tensor, request.value as Tensor];
    const cache = { key: await backend.upload(key), value: await backend.upload(value) };
    const plain = { key: structuredClone(key), value: structuredClone(value) };
    for (const [n, parents] of [
      [0, 0, 1, 3],
      [3, 2, 1, 0],
      [1, 1, 1, 1],
    ].entries()) {
      for (const name of ['key', 'value'] as const) {
        await cache[name].reorder(parents);
        const before = plain[name];
        const element = before.data.length / 4;
        plain[name] = tensor(
          Float32Array.from(
            before.data,
            (_, at) => before.data[parents[Math.floor(at / element)]! * element + (at % element)]!,
          ),
          before.shape,
        );
      }
      const results = await attention(backend, { ...request, ...cache });
      ensureAgrees({ ...request, ...plain }, results, `step ${n + 1}, of beams ${parents.join(', ')}`);
    }
    cache.key.dispose();
    cache.value.dispose();
  });
}

export function residentCacheCases(): ConformanceCase[] {
  const one: Sketch = { queryLength: 1, keyLength: 12, causal: true, alignment: 'bottomRight' };
  return [
    decoding('row-by-row', one, [1, 1, 1, 1, 1]),
    decoding('prompt-then-rows', one, [7, 1, 1, 1]),
    decoding('to-the-last-row', one, [9, 1, 1, 1]),
    decoding('layout-blhd', { ...one, layout: 'blhd' }, [3, 1, 1]),
    decoding('gqa', { ...one, heads: 4, kvHeads: 2, valueDim: 5 }, [3, 1, 1]),
    decoding('window', { ...one, window: { left: 2 } }, [3, 1, 1, 1]),
    decoding('chunks', { ...one, queryLength: 4 }, [4, 4, 4]),
    decoding('across-tiles', { ...one, keyLength: 70, batch: 2 }, [31, 1, 1, 30, 1, 1, 1]),
    decoding('without-alignment', { queryLength: 1, keyLength: 12 }, [3, 1, 1]),
    ragged('plain', {}),
    ragged('layout-blhd', { layout: 'blhd' }),
    ragged('causal-bottom-right', { causal: true, alignment: 'bottomRight' }),
    beams(),
  ];
}
