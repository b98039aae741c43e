import { type AttentionBackend, type ResidentTensor, type Tensor, attention, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import native from '../index.ts';

const { available } = await native.probe();
const [ROWS, WIDTH, HEADS] = [96, 64, 4];

/** A generator of whole numbers below a bound. */
function drawsOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function rowsOf(draw: (below: number) => number, rows = ROWS): Tensor<'float32'> {
  const data = Float32Array.from({ length: rows * WIDTH }, () => draw(2001) / 1000 - 1);
  return tensor(data, [1, rows, WIDTH]);
}

/**
 * A program of 60 operations on a few resident tensors, drawn from a seed: projections, norms, dropout, attention, rotation, gradients,
 * writes, copies, new tensors in the memory of disposed ones, plain results.
 *
 * @param isAwaited true to read each result as soon as its call has returned.
 * @returns every plain result, and the tensors at the end.
 */
async function results(backend: AttentionBackend, seed: number, isAwaited: boolean): Promise<Tensor[]> {
  const draw = drawsOf(seed);
  const linear = await backend.linear!.compile({
    inputDim: WIDTH,
    outputDim: WIDTH,
    bias: false,
    activation: 'gelu',
    gradient: true,
  });
  const weights = await linear.pack({ weight: { ...rowsOf(draw, WIDTH), shape: [WIDTH, WIDTH] } as Tensor });
  const norm = await backend.norm!.compile({ kind: 'layer', width: WIDTH, bias: true, gradient: true });
  const ones = tensor(new Float32Array(WIDTH).fill(1), [WIDTH]);
  const drop = await backend.elementDropout!.compile({ probability: 0.1 });
  const rotary = await backend.rotary!.compile({ headDim: WIDTH / HEADS });
  const tables = tensor(new Float32Array((ROWS * WIDTH) / HEADS / 2).fill(Math.SQRT1_2), [
    ROWS,
    WIDTH / HEADS / 2,
  ]);
  const all: ResidentTensor[] = [];
  const plain: Tensor[] = [];
  for (let n = 0; n < 4; n++) all.push(await backend.upload(rowsOf(draw)));
  const any = (): ResidentTensor => all[draw(all.length)]!;
  /** Puts a new tensor where another was, whose memory is free from now on. */
  const put = async (made: ResidentTensor): Promise<void> => {
    const at = draw(all.length);
    all[at]!.dispose();
    all[at] = made;
    if (isAwaited) await made.read();
  };
  const heads = (given: ResidentTensor): ResidentTensor => given.view([1, ROWS, HEADS, WIDTH / HEADS]);
  const stay = { resident: true } as const;
  const changes: Promise<void>[] = [];
  for (let n = 0; n < 60; n++) {
    const kind = draw(11);
    if (kind === 0) await put((await linear.run({ input: any(), weights, residual: any() }, stay)).output);
    if (kind === 1) await put((await norm.run({ input: any(), weight: ones, bias: ones }, stay)).output);
    if (kind === 2) await put((await drop.run({ input: any(), seed: n }, stay)).output);
    if (kind === 3) {
      const [query, key, value] = [heads(any()), heads(any()), heads(any())];
      const { output } = await attention(
        backend,
        { query, key, value, layout: 'blhd', causal: draw(2) === 0 },
        stay,
      );
      await put(output.view([1, ROWS, WIDTH]));
      for (const view of [query, key, value, output]) view.dispose();
    }
    if (kind === 4) {
      const { dInput, dWeight } = await linear.gradient({ input: any(), weights }, { dOutput: any() }, stay);
      plain.push(await dWeight.read());
      dWeight.dispose();
      await put(dInput);
    }
    if (kind === 5) {
      const change = any().write(rowsOf(draw, 5), { axis: 1, start: draw(ROWS - 5) });
      changes.push(change);
      if (isAwaited) await change;
    }
    if (kind === 6) await put(await any().copy());
    if (kind === 7) await put(await backend.allocate('float32', [1, ROWS, WIDTH]));
    if (kind === 8) await put(await backend.upload(rowsOf(draw)));
    if (kind === 9) plain.push((await linear.run({ input: any(), weights })).output);
    if (kind === 10) {
      const input = heads(any());
      const { output } = await rotary.run({ input, cosines: tables, sines: tables }, stay);
      await put(output.view([1, ROWS, WIDTH]));
      for (const view of [input, output]) view.dispose();
    }
  }
  await Promise.all(changes);
  for (const one of all) {
    plain.push(await one.read());
    one.dispose();
  }
  for (const kernel of [linear, norm, drop, rotary]) await kernel.dispose();
  return plain;
}

for (const threads of [1, 2]) {
  test.runIf(available)(
    `calls that nobody waits for take effect in their order: ${threads} threads`,
    async () => {
      const backend = await native.create({ threads });
      for (let seed = 1; seed <= 20; seed++) {
        const expected = await results(backend, seed, true);
        const actual = await results(backend, seed, false);
        for (const [n, { data }] of expected.entries()) {
          expect(
            Buffer.compare(bytesOf(actual[n]!.data), bytesOf(data)),
            `seed ${seed}: result ${n} differs`,
          ).toBe(0);
        }
      }
      await backend.dispose();
    },
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Tensor['data']): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
