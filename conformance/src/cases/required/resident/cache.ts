import { type Tensor, attention, resolveRequest, tensor } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { BehaviourCase, ConformanceCase } from '../../../case.ts';
import { type Sketch, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behaviour } from '../../building/behaviour.ts';

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
function decoding(name: string, sketch: Sketch, steps: readonly number[]): BehaviourCase {
  const lengths: Sketch = { ...sketch, keyLengths: [0, 0] };
  return behaviour('resident', `cache/${name}`, lengths, async ({ backend }, id) => {
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
  ];
}
