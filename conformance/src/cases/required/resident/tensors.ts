import { type AttentionBackend, type Tensor, isResident, resolveRequest, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import type { ConformanceCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure, ensureError, withBackend } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';

function numbers(seed: string, ...shape: number[]): Tensor {
  const random = randomFrom(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

const KINDS: Readonly<Record<string, () => Tensor>> = {
  float32: () => numbers('float32', 2, 3, 4, 5),
  float64: () => tensor(Float64Array.of(1 / 3, -0, 1e300), [3]),
  int32: () => tensor(Int32Array.of(-2147483648, 2147483647, 16777217, 0), [2, 2]),
  bool: () => tensor(Uint8Array.of(0, 1, 1, 0), [4]),
  empty: () => tensor(new Float32Array(0), [2, 0, 3]),
  scalar: () => tensor(Float32Array.of(7), []),
  'non-finite': () => tensor(Float32Array.of(NaN, Infinity, -Infinity, -0), [4]),
};

/** Writes a part into zeros and reads all back. */
async function writeOne(backend: AttentionBackend, axis: number, start: number, part: Tensor): Promise<void> {
  const shape = [2, 3, 4, 5];
  const resident = await backend.upload(tensor(new Float32Array(120), shape));
  await resident.write(part, { axis, start });
  const { data } = await resident.read();
  resident.dispose();
  for (let n = 0; n < data.length; n++) {
    const at = [Math.floor(n / 60), Math.floor(n / 20) % 3, Math.floor(n / 5) % 4, n % 5];
    const inside = at.map((index, a) => (a === axis ? index - start : index));
    const written = inside[axis]! >= 0 && inside[axis]! < part.shape[axis]!;
    const from = inside.reduce((index, i, a) => index * part.shape[a]! + i, 0);
    const expected = written ? part.data[from]! : 0;
    ensure(
      data[n] === expected,
      `after write() element [${at.join(', ')}] is ${data[n]}; expected ${expected}`,
    );
  }
}

export function residentLifeCases(): ConformanceCase[] {
  const parts: Record<string, [axis: number, start: number, part: Tensor]> = {
    'one-row': [2, 1, numbers('a', 2, 3, 1, 5)],
    'several-rows': [2, 2, numbers('b', 2, 3, 2, 5)],
    'the-last-row': [2, 3, numbers('c', 2, 3, 1, 5)],
    everything: [2, 0, numbers('d', 2, 3, 4, 5)],
    'no-row': [2, 4, numbers('e', 2, 3, 0, 5)],
    'first-axis': [0, 1, numbers('f', 1, 3, 4, 5)],
    'second-axis': [1, 1, numbers('g', 2, 2, 4, 5)],
    'last-axis': [3, 2, numbers('h', 2, 3, 4, 3)],
  };
  const wrong = {
    'too-far': ['SHAPE', { axis: 2, start: 4 }, numbers('i', 2, 3, 1, 5)],
    'before-the-first': ['SHAPE', { axis: 2, start: -1 }, numbers('i', 2, 3, 1, 5)],
    'between-rows': ['SHAPE', { axis: 2, start: 0.5 }, numbers('i', 2, 3, 1, 5)],
    'no-such-axis': ['SHAPE', { axis: 4, start: 0 }, numbers('i', 2, 3, 1, 5)],
    'other-length': ['SHAPE', { axis: 2, start: 0 }, numbers('i', 2, 2, 1, 5)],
    'other-rank': ['SHAPE', { axis: 2, start: 0 }, numbers('i', 3, 1, 5)],
    'other-dtype': ['DTYPE', { axis: 2, start: 0 }, tensor(new Float64Array(30), [2, 3, 1, 5])],
  } as const;
  return [
    ...Object.entries(KINDS).map(([name, make]) => ({
      // A backend without float64 need not hold it.
      ...(name === 'float64' && { dtype: 'float64' as const }),
      ...behavior('resident', `upload-and-read/${name}`, [], async ({ backend }) => {
        const given = make();
        const resident = await backend.upload(given);
        ensure(isResident(resident), 'upload() gives no resident tensor');
        ensure(
          resident.dtype === given.dtype && resident.shape.join() === given.shape.join(),
          'the resident tensor has another type or shape',
        );
        given.data.fill(1);
        (given.shape as number[]).fill(9);
        const first = await resident.read();
        ensure(
          first.dtype === given.dtype && first.shape.join() === make().shape.join(),
          'read() has another form',
        );
        ensureSameBits(
          { read: first },
          { read: make() },
          'after the caller has written to what was uploaded',
        );
        first.data.fill(2);
        (first.shape as number[]).fill(9);
        ensureSameBits(
          { read: await resident.read() },
          { read: make() },
          'after the caller has written to what was read',
        );
        resident.dispose();
      }),
    })),
    ...Object.entries(parts).map(([name, [axis, start, part]]) =>
      behavior('resident', `write/${name}`, [], ({ backend }) => writeOne(backend, axis, start, part)),
    ),
    ...Object.entries(wrong).map(([name, [code, at, part]]) =>
      behavior('resident', `write-refused/${name}`, [], async ({ backend }) => {
        const before = numbers('before', 2, 3, 4, 5);
        const resident = await backend.upload(before);
        await ensureError(() => resident.write(part, at), code, `write() ${name}`);
        ensureSameBits({ read: await resident.read() }, { read: before }, 'after a write that was refused');
        resident.dispose();
      }),
    ),
    behavior('resident', 'upload-and-read/bytes-of-a-buffer', [], async ({ backend }) => {
      // Its slice() is a view, not a copy.
      const Buffer = (globalThis as { Buffer?: { from(bytes: readonly number[]): Uint8Array } }).Buffer;
      const data = Buffer?.from([1, 1, 1]) ?? Uint8Array.of(1, 1, 1);
      const resident = await backend.upload({ dtype: 'bool', shape: [3], data });
      data[0] = 0;
      const first = await resident.read();
      first.data[1] = 0;
      const { data: now } = await resident.read();
      ensure(now.join() === '1,1,1', `the resident tensor has become ${now.join()}, it was 1,1,1`);
      resident.dispose();
    }),
    behavior('resident', 'dispose', [], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      const key = await backend.upload(inputs.key as Tensor);
      const kernel = await backend.compile(problem);
      key.dispose();
      key.dispose();
      await ensureError(() => key.read(), 'DISPOSED', 'read() after dispose()');
      const row = tensor(new Float32Array(32), [2, 2, 1, 8]);
      await ensureError(() => key.write(row, { axis: 2, start: 0 }), 'DISPOSED', 'write() after dispose()');
      await ensureError(() => kernel.run({ ...inputs, key }), 'DISPOSED', 'run() with a disposed tensor');
      await kernel.run(inputs);
      await kernel.dispose();
    }),
    behavior('resident', 'end-with-their-backend', [], async (subject) => {
      await withBackend(subject, async (backend) => {
        const resident = await backend.upload(numbers('a', 2, 3));
        await backend.dispose();
        await ensureError(() => resident.read(), 'DISPOSED', 'read() after the backend was disposed');
        resident.dispose();
      });
    }),
    behavior('resident', 'writes-in-turn', [], async ({ backend }) => {
      const resident = await backend.upload(numbers('a', 8, 3));
      const written = [4, 8, 2].map((rows) => numbers(`${rows}`, rows, 3));
      await Promise.all(written.map((part) => resident.write(part, { axis: 0, start: 0 })));
      const expected = written[1]!.data.slice();
      expected.set(written[2]!.data);
      ensureSameBits(
        { read: await resident.read() },
        { read: { ...written[1]!, data: expected } as Tensor },
        'after three writes that overlap',
      );
      resident.dispose();
    }),
    behavior('resident', 'hold/after-a-write', [], async ({ backend }) => {
      const [before, after] = [numbers('before', 2, 3), numbers('after', 2, 3)];
      const resident = await backend.upload(numbers('a', 2, 3));
      const first = resident.write(before, { axis: 0, start: 0 });
      const held = resident.hold();
      const second = resident.write(after, { axis: 0, start: 0 });
      ensure(isResident(held), 'hold() gives no resident tensor');
      ensureSameBits({ read: await held.read() }, { read: before }, 'of a held tensor, before a later write');
      held.dispose();
      held.dispose();
      await Promise.all([first, second]);
      ensureSameBits({ read: await resident.read() }, { read: after }, 'after the write behind the hold');
      await ensureError(() => held.read(), 'DISPOSED', 'read() of a hold after its dispose()');
      resident.dispose();
    }),
    behavior('resident', 'hold/after-a-dispose', [], async ({ backend }) => {
      const given = numbers('a', 2, 3);
      const resident = await backend.upload(given);
      const held = resident.hold();
      resident.dispose();
      const again = held.hold();
      held.dispose();
      ensureSameBits({ read: await again.read() }, { read: given }, 'of a hold whose tensor was disposed');
      again.dispose();
      await ensureError(() => resident.hold(), 'DISPOSED', 'hold() after dispose()');
    }),
    behavior('resident', 'hold/is-not-written-to', [], async ({ backend }) => {
      const resident = await backend.upload(numbers('a', 2, 3));
      const held = resident.hold();
      const write = (): Promise<void> => held.write(numbers('b', 2, 3), { axis: 0, start: 0 });
      await ensureError(write, 'ARGUMENT', 'write() on a held tensor');
      held.dispose();
      resident.dispose();
    }),
    behavior('resident', 'hold/in-a-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const value = await backend.upload(inputs.value as Tensor);
      const held = value.hold();
      value.dispose();
      ensureAgrees(request, await kernel.run({ ...inputs, value: held }), 'a run with a held value');
      held.dispose();
      await ensureError(
        () => kernel.run({ ...inputs, value: held }),
        'DISPOSED',
        'a run with a hold that ended',
      );
      await kernel.dispose();
    }),
    behavior('resident', 'foreign', [], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      const other = await reference.create();
      const kernel = await backend.compile(problem);
      const key = await other.upload(inputs.key as Tensor);
      await ensureError(
        () => kernel.run({ ...inputs, key }),
        'FOREIGN_TENSOR',
        'a tensor of another backend',
      );
      await kernel.run(inputs);
      await kernel.dispose();
      await other.dispose();
    }),
    behavior('resident', 'foreign-sibling', [], async (subject, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      await withBackend(subject, async (sibling) => {
        const kernel = await subject.backend.compile(problem);
        const key = await sibling.upload(inputs.key as Tensor);
        await ensureError(
          () => kernel.run({ ...inputs, key }),
          'FOREIGN_TENSOR',
          'a tensor of a second backend',
        );
        await kernel.dispose();
      });
    }),
    behavior('resident', 'upload-refused', [], async ({ backend }) => {
      const short = { dtype: 'float32', shape: [3], data: new Float32Array(2) } as const;
      await ensureError(() => backend.upload(short), 'SHAPE', 'upload() of too few numbers');
      const mixed = { dtype: 'float64', shape: [2], data: new Float32Array(2) } as unknown as Tensor;
      await ensureError(() => backend.upload(mixed), 'DTYPE', 'upload() of another type than it says');
    }),
    behavior('resident', 'wrong-shape-in-a-run', [], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      const kernel = await backend.compile(problem);
      const key = await backend.upload(numbers('k', 2, 2, 6, 8));
      await ensureError(() => kernel.run({ ...inputs, key }), 'SHAPE', 'a resident key of another length');
      key.dispose();
      await kernel.dispose();
    }),
  ];
}
