import { type AttentionBackend, type ResidentTensor, type Tensor, resolveRequest, tensor } from '@heed/core';
import type { ConformanceCase } from '../../../case.ts';
import { randomFrom } from '../../../random.ts';
import { requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';

/** Tensors of each type, with slices that begin or end inside a word. */
const KINDS: Readonly<Record<string, () => Tensor>> = {
  float32: () => numbers(4, 3, 5, 2),
  int32: () =>
    tensor(
      Int32Array.from({ length: 24 }, (_, n) => 7 - n),
      [4, 3, 2],
    ) as Tensor,
  bool: () =>
    tensor(
      Uint8Array.from({ length: 60 }, (_, n) => Number(n % 7 < 3)),
      [4, 3, 5],
    ) as Tensor,
};

function numbers(...shape: number[]): Tensor {
  const random = randomFrom(shape.join());
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** Element by element, in the order of the result: what slices of an axis hold. */
function taken({ dtype, shape, data }: Tensor, axis: number, indices: readonly number[]): Tensor {
  const inner = shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  const length = shape[axis]!;
  const count = data.length === 0 ? 0 : (data.length / length) * indices.length;
  const result = data.slice(0, 0).constructor as new (size: number) => Tensor['data'];
  const part = new result(count);
  for (let n = 0; n < count; n++) {
    const slice = Math.floor(n / inner) % indices.length;
    const outer = Math.floor(n / inner / indices.length);
    part[n] = data[(outer * length + indices[slice]!) * inner + (n % inner)]!;
  }
  return { dtype, shape: shape.with(axis, indices.length), data: part };
}

/** The form is part of it. */
async function ensureHolds(resident: ResidentTensor, expected: Tensor, what: string): Promise<void> {
  const read = await resident.read();
  const form = ({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): string => `${dtype} [${shape.join()}]`;
  ensure(form(resident) === form(expected), `${what} is ${form(resident)}; expected ${form(expected)}`);
  ensure(form(read) === form(expected), `${what} is read as ${form(read)}; expected ${form(expected)}`);
  ensureSameBits({ read }, { read: expected }, what);
}

const AXES: Readonly<Record<string, readonly [axis: number, indices: readonly number[]]>> = {
  'first-axis': [0, [2, 0, 0, 3]],
  'fewer-elements': [0, [3]],
  'more-elements': [0, [0, 1, 2, 3, 3, 2, 1, 0]],
  'second-axis': [1, [1, 2, 0]],
  'last-axis': [2, [1, 1, 0]],
  nothing: [0, []],
};

function gatherCases(): ConformanceCase[] {
  const each = Object.entries(KINDS).flatMap(([kind, make]) =>
    Object.entries(AXES).map(([name, [axis, indices]]) =>
      behavior('resident', `gather/${kind}/${name}`, [], async ({ backend }) => {
        const resident = await backend.upload(make());
        const gathered = await resident.gather(indices, { axis });
        await ensureHolds(gathered, taken(make(), axis, indices), 'what was gathered');
        gathered.dispose();
        resident.dispose();
      }),
    ),
  );
  return [
    ...each,
    behavior('resident', 'gather/after-a-write', [], async ({ backend }) => {
      const [before, after] = [numbers(3, 2), numbers(3, 2, 1)];
      const resident = await backend.upload(tensor(new Float32Array(6), [3, 2]));
      const first = resident.write(before, { axis: 0, start: 0 });
      const gathering = resident.gather([2, 1]);
      const second = resident.write({ ...after, shape: [3, 2] }, { axis: 0, start: 0 });
      await Promise.all([first, second]);
      const gathered = await gathering;
      await ensureHolds(gathered, taken(before, 0, [2, 1]), 'what was gathered between two writes');
      resident.dispose();
      await ensureHolds(gathered, taken(before, 0, [2, 1]), 'what was gathered of a tensor that ended');
      gathered.dispose();
      await ensureError(() => resident.gather([0]), 'DISPOSED', 'gather() after dispose()');
    }),
    refused('gather', 'ARGUMENT', 'an-index-too-large', (resident) => resident.gather([0, 4])),
    refused('gather', 'ARGUMENT', 'a-negative-index', (resident) => resident.gather([-1])),
    refused('gather', 'ARGUMENT', 'half-an-index', (resident) => resident.gather([0.5])),
    refused('gather', 'SHAPE', 'no-such-axis', (resident) => resident.gather([0], { axis: 4 })),
  ];
}

/** A case of a call that must be refused, and must leave the tensor as it was. */
function refused(
  call: string,
  code: 'ARGUMENT' | 'SHAPE' | 'DTYPE',
  name: string,
  attempt: (resident: ResidentTensor) => Promise<unknown>,
): ConformanceCase {
  return behavior('resident', `${call}-refused/${name}`, [], async ({ backend }) => {
    const given = numbers(4, 3, 5, 2);
    const resident = await backend.upload(given);
    await ensureError(() => attempt(resident), code, `${call}() with ${name}`);
    await ensureHolds(resident, given, 'the tensor after it was refused');
    resident.dispose();
  });
}

function reorderCases(): ConformanceCase[] {
  return [
    ...Object.entries(KINDS).map(([kind, make]) =>
      behavior('resident', `reorder/${kind}`, [], async ({ backend }) => {
        const resident = await backend.upload(make());
        const indices = [1, 1, 3, 0];
        await resident.reorder(indices);
        await ensureHolds(resident, taken(make(), 0, indices), 'the tensor');
        resident.dispose();
      }),
    ),
    behavior('resident', 'reorder/between-writes', [], async ({ backend }) => {
      const resident = await backend.upload(numbers(3, 4));
      const [first, second] = [numbers(3, 2), numbers(1, 4)];
      const done = [
        resident.write(first, { axis: 1, start: 1 }),
        resident.reorder([2, 0, 0]),
        resident.write(second, { axis: 0, start: 1 }),
      ];
      const held = resident.hold();
      await Promise.all(done.slice(0, 2));
      const expected = structuredClone(numbers(3, 4));
      for (let b = 0; b < 3; b++) expected.data.set(first.data.subarray(2 * b, 2 * b + 2), 4 * b + 1);
      const reordered = taken(expected, 0, [2, 0, 0]);
      reordered.data.set(second.data as never, 4);
      await ensureHolds(held, reordered, 'the tensor after a write, reorder() and a write');
      await ensureError(() => held.reorder([0, 1, 2]), 'ARGUMENT', 'reorder() of a held tensor');
      held.dispose();
      await Promise.all(done);
      resident.dispose();
    }),
    behavior('resident', 'reorder/behind-a-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const value = await backend.upload(inputs.value as Tensor);
      const run = kernel.run({ ...inputs, value });
      const reordered = value.reorder([1, 0]);
      ensureAgrees(request, await run, 'a run before reorder()');
      await reordered;
      const other = { ...request, value: taken(inputs.value as Tensor, 0, [1, 0]) };
      ensureAgrees(other, await kernel.run({ ...inputs, value }), 'a run behind reorder()');
      value.dispose();
      await kernel.dispose();
    }),
    refused('reorder', 'SHAPE', 'too-few', (resident) => resident.reorder([0, 1, 2])),
    refused('reorder', 'ARGUMENT', 'an-index-too-large', (resident) => resident.reorder([0, 1, 2, 4])),
  ];
}

function copyAndReadCases(): ConformanceCase[] {
  const copied: Readonly<Record<string, () => Tensor>> = {
    ...KINDS,
    empty: () => tensor(new Float32Array(0), [2, 0, 3]),
    scalar: () => tensor(Float32Array.of(7), []),
  };
  const slices = {
    'one-row': { axis: 2, start: 3, length: 1 },
    rows: { axis: 2, start: 1, length: 3 },
    all: { axis: 2, start: 0, length: 5 },
    none: { axis: 2, start: 5, length: 0 },
    'first-axis': { axis: 0, start: 1, length: 2 },
    'last-axis': { axis: 3, start: 1, length: 1 },
  };
  return [
    ...Object.entries(copied).map(([kind, make]) =>
      behavior('resident', `copy/${kind}`, [], async ({ backend }) => {
        const resident = await backend.upload(make());
        const copy = await resident.copy();
        if (kind === 'float32') await resident.write(numbers(1, 3, 5, 2), { axis: 0, start: 2 });
        await ensureHolds(copy, make(), 'the copy');
        resident.dispose();
        await ensureHolds(copy, make(), 'the copy of a tensor that ended');
        copy.dispose();
      }),
    ),
    ...Object.entries(slices).map(([name, at]) =>
      behavior('resident', `read-slices/${name}`, [], async ({ backend }) => {
        const given = numbers(4, 3, 5, 2);
        const resident = await backend.upload(given);
        const indices = Array.from({ length: at.length }, (_, n) => at.start + n);
        const read = await resident.read(at);
        const expected = taken(given, at.axis, indices);
        ensure(
          read.shape.join() === expected.shape.join(),
          `read() gives the shape [${read.shape.join()}]; expected [${expected.shape.join()}]`,
        );
        ensureSameBits({ read }, { read: expected }, 'of some slices');
        resident.dispose();
      }),
    ),
    refused('read-slices', 'SHAPE', 'too-far', (resident) => resident.read({ axis: 2, start: 4, length: 2 })),
    refused('read-slices', 'SHAPE', 'before-the-first', (resident) =>
      resident.read({ axis: 2, start: -1, length: 1 }),
    ),
    refused('read-slices', 'SHAPE', 'no-such-axis', (resident) =>
      resident.read({ axis: 4, start: 0, length: 1 }),
    ),
  ];
}

/** The expected contents after a `write()` with a start for each element of the batch. */
function written(whole: Tensor, part: Tensor, axis: number, starts: readonly number[]): Tensor {
  const result = structuredClone(whole);
  const inner = whole.shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  const perElement = part.data.length / starts.length;
  for (let n = 0; n < part.data.length; n++) {
    const row = Math.floor(n / inner) % part.shape[axis]!;
    const outer = Math.floor(n / inner / part.shape[axis]!);
    const at = starts[Math.floor(n / perElement)]! + row;
    result.data[(outer * whole.shape[axis]! + at) * inner + (n % inner)] = part.data[n]!;
  }
  return result;
}

function writeEachCases(): ConformanceCase[] {
  const writes: Readonly<Record<string, readonly [axis: number, starts: readonly number[], part: Tensor]>> = {
    'one-row': [2, [0, 4, 2, 2], numbers(4, 3, 1, 2)],
    rows: [2, [3, 0, 1, 2], numbers(4, 3, 2, 2)],
    'second-axis': [1, [2, 0, 1, 1], numbers(4, 1, 5, 2)],
    'last-axis': [3, [1, 0, 0, 1], numbers(4, 3, 5, 1)],
    'no-row': [2, [5, 0, 1, 2], numbers(4, 3, 0, 2)],
  };
  const row = numbers(4, 3, 1, 2);
  return [
    ...Object.entries(writes).map(([name, [axis, starts, part]]) =>
      behavior('resident', `write-each/${name}`, [], async ({ backend }) => {
        const given = numbers(4, 3, 5, 2);
        const resident = await backend.upload(given);
        await resident.write(part, { axis, start: starts });
        await ensureHolds(resident, written(given, part, axis, starts), 'after write()');
        resident.dispose();
      }),
    ),
    behavior('resident', 'write-each/int32-tensor', [], async ({ backend }) => {
      const given = numbers(4, 3, 5, 2);
      const resident = await backend.upload(given);
      await resident.write(row, { axis: 2, start: tensor(Int32Array.of(1, 2, 3, 4), [4]) });
      await ensureHolds(resident, written(given, row, 2, [1, 2, 3, 4]), 'after write()');
      resident.dispose();
    }),
    refused('write-each', 'SHAPE', 'too-far', (resident) =>
      resident.write(row, { axis: 2, start: [0, 5, 0, 0] }),
    ),
    refused('write-each', 'SHAPE', 'before-the-first', (resident) =>
      resident.write(row, { axis: 2, start: [0, 0, 0, -1] }),
    ),
    refused('write-each', 'SHAPE', 'too-few', (resident) =>
      resident.write(row, { axis: 2, start: [0, 0, 0] }),
    ),
    refused('write-each', 'SHAPE', 'first-axis', (resident) =>
      resident.write(numbers(4, 3, 5, 2), { axis: 0, start: [0, 0, 0, 0] }),
    ),
  ];
}

function allocateCases(): ConformanceCase[] {
  const forms = {
    float32: ['float32', [2, 3, 4]],
    int32: ['int32', [3]],
    bool: ['bool', [5]],
    empty: ['float32', [2, 0]],
    scalar: ['float32', []],
  } as const;
  const attempt = (
    code: 'SHAPE' | 'DTYPE',
    name: string,
    call: (backend: AttentionBackend) => Promise<unknown>,
  ): ConformanceCase =>
    behavior('resident', `allocate-refused/${name}`, [], ({ backend }) =>
      ensureError(() => call(backend), code, `allocate() with ${name}`),
    );
  return [
    ...Object.entries(forms).map(([name, [dtype, shape]]) =>
      behavior('resident', `allocate/${name}`, [], async ({ backend }) => {
        // What was there before must not show.
        const before = await backend.upload(tensor(new Float32Array(24).fill(NaN), [24]));
        before.dispose();
        const resident = await backend.allocate(dtype, shape);
        const { data } = await resident.read();
        ensure(
          resident.dtype === dtype && resident.shape.join() === shape.join(),
          `allocate() gives ${resident.dtype} [${resident.shape.join()}]; expected ${dtype} [${shape.join()}]`,
        );
        ensure(
          data.every((number) => Object.is(number, 0)),
          `what was allocated holds ${data.join()}; expected zeros`,
        );
        resident.dispose();
      }),
    ),
    behavior('resident', 'allocate/is-written-to', [], async ({ backend }) => {
      const [first, second] = [
        await backend.allocate('float32', [2, 3, 4]),
        await backend.allocate('float32', [2, 3, 4]),
      ];
      const row = numbers(2, 1, 4);
      await first.write(row, { axis: 1, start: 1 });
      const zero = tensor(new Float32Array(24), [2, 3, 4]);
      await ensureHolds(first, written(zero, row, 1, [1, 1]), 'the tensor that was written to');
      await ensureHolds(second, zero, 'the tensor beside it');
      first.dispose();
      second.dispose();
    }),
    attempt('DTYPE', 'no-such-type', (backend) => backend.allocate('float8' as never, [2])),
    attempt('SHAPE', 'a-negative-length', (backend) => backend.allocate('float32', [2, -1])),
    attempt('SHAPE', 'no-shape', (backend) => backend.allocate('float32', 2 as never)),
  ];
}

/** Moving slices about in the backend's memory. */
export function residentSliceCases(): ConformanceCase[] {
  return [
    ...allocateCases(),
    ...gatherCases(),
    ...reorderCases(),
    ...copyAndReadCases(),
    ...writeEachCases(),
  ];
}
