import { type Tensor, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { type Begin, Runs } from './runs.ts';

const numbers = (): Tensor => tensor(new Float32Array(4), [4]);
const resident = { resident: true } as const;

/** A run that the test ends. */
function started(microseconds = 1): {
  begin: Begin;
  control(): Int32Array;
  end(): void;
  fail(error: Error): void;
} {
  let given!: Int32Array;
  let [resolve, fail] = [(): void => undefined, (_error: Error): void => undefined];
  const promise = new Promise<void>((resolved, rejected) => ([resolve, fail] = [resolved, rejected]));
  const begin: Begin = (_read, _filled, control) => {
    given = control;
    control[2] = microseconds;
    return promise;
  };
  return { begin, control: () => given, end: resolve, fail };
}

async function isPending(promise: Promise<unknown> | undefined): Promise<boolean> {
  const pending = Symbol('pending');
  return (
    (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) === pending
  );
}

test('a run whose results stay resolves while it is under way; what uses its memory waits', async () => {
  const runs = new Runs();
  const [input, output] = [runs.own(numbers()), numbers()];
  const run = started();
  await runs.run(resident, [input], [output], run.begin);
  expect(run.control()[1]).toBe(1);
  const settled = [runs.readable([output]), runs.writable(output), runs.writable(input)];
  expect(await isPending(Promise.race(settled))).toBe(true);
  expect([runs.readable([numbers()]), runs.readable([input])]).toEqual([undefined, undefined]);
  run.end();
  await Promise.all(settled);
  expect(runs.isUsed(output.data.buffer)).toBe(false);
});

test('a run whose results leave the memory resolves at its end', async () => {
  const runs = new Runs();
  const run = started();
  const promise = runs.run({}, [runs.own(numbers())], [numbers()], run.begin);
  expect(await isPending(promise)).toBe(true);
  run.end();
  await promise;
});

test('a small plain input is copied; a large one is not, and what is still computed is waited for', async () => {
  const runs = new Runs();
  const [small, output] = [numbers(), numbers()];
  const [first, second] = [started(), started()];
  const begin: Begin = (read, ...others) => {
    expect(read[0]).not.toBe(small.data);
    return first.begin(read, ...others);
  };
  await runs.run(resident, [small], [output], begin);
  const large = tensor(new Float32Array(2 ** 16), [2 ** 16]);
  const promise = runs.run(resident, [large, output], [numbers()], second.begin);
  expect(await isPending(promise)).toBe(true);
  expect(second.control()).toBeUndefined();
  first.end();
  // The caller may write to the input from the promise's end on.
  expect(await isPending(promise)).toBe(true);
  expect(second.control()[1]).toBe(0);
  second.end();
  await promise;
});

test('a run that fails later fails what is computed from its results, and nothing else', async () => {
  const runs = new Runs();
  const [input, between, output, other] = [runs.own(numbers()), numbers(), numbers(), numbers()];
  const all = [started(), started(), started()] as const;
  await runs.run(resident, [input], [between], all[0].begin);
  await runs.run(resident, [between], [output], all[1].begin);
  await runs.run(resident, [input], [other], all[2].begin);
  const native = Object.assign(new Error('no memory'), { code: 'OUT_OF_MEMORY' });
  // The dependent one is heard of first.
  all[1].end();
  all[2].end();
  expect(await isPending(runs.readable([output]))).toBe(true);
  all[0].fail(native);
  const error = expect.objectContaining({ code: 'OUT_OF_MEMORY', cause: native });
  await expect(runs.readable([output])).rejects.toEqual(error);
  await expect(Promise.resolve().then(() => runs.readable([between]))).rejects.toEqual(error);
  await runs.readable([other]);
  await runs.readable([input]);
  await expect(runs.run(resident, [output], [numbers()], () => undefined)).rejects.toEqual(error);
});

test('an abort ends a run until it resolves, and not afterwards', async () => {
  const runs = new Runs();
  const controller = new AbortController();
  const options = { ...resident, signal: controller.signal };
  const [short, long] = [started(), started(1e6)];
  const [early, late] = [numbers(), numbers()];
  await runs.run(options, [], [early], short.begin);
  const promise = runs.run(options, [], [late], long.begin);
  expect(await isPending(promise)).toBe(true);
  const reason = new Error('the reason of the test');
  controller.abort(reason);
  expect([short.control()[0], long.control()[0]]).toEqual([0, 1]);
  short.end();
  long.end();
  await expect(promise).rejects.toBe(reason);
  await runs.readable([early]);
  await expect(Promise.resolve().then(() => runs.readable([late]))).rejects.toBe(reason);
});

test('little work is under way when a run resolves', async () => {
  const runs = new Runs();
  const all = Array.from({ length: 3 }, () => started(4000));
  const promises = all.map((run) => runs.run(resident, [], [numbers()], run.begin));
  expect(await Promise.all(promises.map(isPending))).toEqual([false, false, true]);
  all[0]!.end();
  await promises[2];
  for (const run of all) run.end();
});

test('a run that is over at once fails as the run whose results it has read, though that is heard of later', async () => {
  const runs = new Runs();
  const [between, output] = [numbers(), numbers()];
  const first = started();
  await runs.run(resident, [], [between], first.begin);
  const promise = runs.run(resident, [between], [output], () => undefined);
  const native = Object.assign(new Error('no memory'), { code: 'OUT_OF_MEMORY' });
  first.fail(native);
  await expect(promise).rejects.toEqual(expect.objectContaining({ code: 'OUT_OF_MEMORY', cause: native }));
});

test('an abort while a run waits for others or for its inputs rejects', async () => {
  const runs = new Runs();
  const reason = new Error('the reason of the test');
  const controllers = [new AbortController(), new AbortController()] as const;
  const [first, second, third] = [started(9000), started(9000), started()];
  const between = numbers();
  await runs.run(resident, [], [between], first.begin);
  const large = tensor(new Float32Array(2 ** 16), [2 ** 16]);
  const promises = [
    runs.run({ ...resident, signal: controllers[0].signal }, [], [numbers()], second.begin),
    runs.run({ ...resident, signal: controllers[1].signal }, [large, between], [numbers()], third.begin),
  ];
  expect(await Promise.all(promises.map(isPending))).toEqual([true, true]);
  for (const controller of controllers) controller.abort(reason);
  first.end();
  second.end();
  for (const promise of promises) await expect(promise).rejects.toBe(reason);
  expect(third.control()).toBeUndefined();
});

test('an abort without a reason of its own is passed on', async () => {
  const controller = new AbortController();
  const run = started();
  const promise = new Runs().run({ signal: controller.signal }, [], [numbers()], run.begin);
  controller.abort(null);
  run.end();
  await expect(promise).rejects.toBeNull();
});

test('who reads does not wait for those that read, nor for runs that begin later', async () => {
  const runs = new Runs();
  const input = runs.own(numbers());
  const [filling, reading] = [started(), started()];
  await runs.run(resident, [], [input], filling.begin);
  const readable = runs.readable([input]);
  await runs.run(resident, [input], [numbers()], reading.begin);
  filling.end();
  await readable;
  expect(runs.readable([input])).toBeUndefined();
  reading.end();
});

test('a short run does not wait for a long one beside it', async () => {
  const runs = new Runs();
  const [long, short] = [started(1e6), started(10)];
  const behind = runs.run({}, [], [numbers()], long.begin);
  const promise = runs.run(resident, [], [numbers()], short.begin);
  expect(await isPending(promise)).toBe(true);
  short.end();
  await promise;
  long.end();
  await behind;
});

test('an input that was transferred is left to the native file to refuse', async () => {
  const input = numbers();
  structuredClone(null, { transfer: [input.data.buffer as ArrayBuffer] });
  const refused = Object.assign(new Error('detached'), { code: 'SHAPE' });
  const promise = new Runs().run(resident, [input], [numbers()], () => {
    throw refused;
  });
  await expect(promise).rejects.toEqual(expect.objectContaining({ code: 'SHAPE', cause: refused }));
});
