import { type Tensor, isResident, resolveRequest, tensor } from '@heed/core';
import type { ConformanceCase } from '../../../case.ts';
import { requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';

/** 0, 1, 2 … */
function counting(...shape: number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => n),
    shape,
  );
}

function under(value: Tensor, ...shape: number[]): Tensor {
  return { ...value, shape };
}

/** Views of resident tensors: the same memory under another shape. */
export function residentViewCases(): ConformanceCase[] {
  return [
    behavior('resident', 'view/reads', [], async ({ backend }) => {
      const given = counting(2, 3, 4);
      const resident = await backend.upload(given);
      const view = resident.view([2, 12]);
      const again = view.view([4, 3, 2]);
      ensure(
        isResident(view) && view.shape.join() === '2,12',
        'view() gives no resident tensor of its shape',
      );
      const part = await view.read({ axis: 1, start: 5, length: 2 });
      ensureSameBits(
        { view: await view.read(), again: await again.read(), part },
        {
          view: under(given, 2, 12),
          again: under(given, 4, 3, 2),
          part: tensor(Float32Array.of(5, 6, 17, 18), [2, 2]),
        },
        'of a view',
      );
      const gathered = await again.gather([3, 0]);
      const last = tensor(Float32Array.of(18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5), [2, 3, 2]);
      ensureSameBits({ gathered: await gathered.read() }, { gathered: last }, 'gathered of a view');
      for (const one of [gathered, view, again, resident]) one.dispose();
    }),
    behavior('resident', 'view/writes-are-shared', [], async ({ backend }) => {
      const resident = await backend.upload(counting(2, 3, 4));
      const view = resident.view([6, 4]);
      const expected = counting(2, 3, 4);
      await view.write(tensor(new Float32Array(8).fill(-1), [2, 4]), { axis: 0, start: 1 });
      expected.data.fill(-1, 4, 12);
      ensureSameBits({ read: await resident.read() }, { read: expected }, 'after a write to a view');
      await resident.write(tensor(new Float32Array(12).fill(7), [1, 3, 4]), { axis: 0, start: 1 });
      expected.data.fill(7, 12);
      ensureSameBits(
        { read: await view.read() },
        { read: under(expected, 6, 4) },
        'of a view, after a write',
      );
      await view.reorder([3, 0, 0, 1, 1, 1]);
      const reordered = Float32Array.of(7, 7, 7, 7, 0, 1, 2, 3, 0, 1, 2, 3, ...new Float32Array(12).fill(-1));
      const read = { read: tensor(reordered, [2, 3, 4]) };
      ensureSameBits({ read: await resident.read() }, read, 'after a view was reordered');
      view.dispose();
      resident.dispose();
    }),
    behavior('resident', 'view/outlives-its-tensor', [], async ({ backend }) => {
      const given = counting(3, 4);
      const resident = await backend.upload(given);
      const view = resident.view([12]);
      const inner = view.view([2, 6]);
      resident.dispose();
      view.dispose();
      view.dispose();
      // Memory that was freed too early would be used again.
      const other = await backend.upload(tensor(new Float32Array(12).fill(9), [12]));
      ensureSameBits(
        { read: await inner.read() },
        { read: under(given, 2, 6) },
        'of a view whose tensor has ended',
      );
      await ensureError(() => view.read(), 'DISPOSED', 'read() of a view after its dispose()');
      await ensureError(() => resident.view([12]), 'DISPOSED', 'view() after dispose()');
      inner.dispose();
      other.dispose();
    }),
    behavior('resident', 'view/held', [], async ({ backend }) => {
      const before = counting(2, 6);
      const resident = await backend.upload(before);
      const view = resident.view([3, 4]);
      const held = view.hold();
      const ofHeld = held.view([12]);
      const writing = resident.write(tensor(new Float32Array(6), [1, 6]), { axis: 0, start: 0 });
      ensureSameBits({ read: await held.read() }, { read: under(before, 3, 4) }, 'of a hold of a view');
      ensureSameBits({ read: await ofHeld.read() }, { read: under(before, 12) }, 'of a view of a hold');
      const write = () => ofHeld.write(counting(12), { axis: 0, start: 0 });
      await ensureError(write, 'ARGUMENT', 'write() on a view of a held tensor');
      ofHeld.dispose();
      held.dispose();
      await writing;
      view.dispose();
      resident.dispose();
    }),
    behavior('resident', 'view/refused', [], async ({ backend }) => {
      const resident = await backend.upload(counting(2, 3));
      await ensureError(() => resident.view([5]), 'SHAPE', 'a view of fewer elements');
      await ensureError(() => resident.view([-2, -3]), 'SHAPE', 'a view with lengths below 0');
      await ensureError(() => resident.view('6' as never), 'SHAPE', 'a view whose shape is a text');
      resident.dispose();
    }),
    behavior('resident', 'view/in-a-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const value = inputs.value as Tensor;
      const flat = await backend.upload(under(value, value.data.length));
      const view = flat.view(value.shape);
      flat.dispose();
      const running = kernel.run({ ...inputs, value: view });
      view.dispose();
      ensureAgrees(request, await running, 'a run with a view, disposed meanwhile');
      await kernel.dispose();
    }),
  ];
}
