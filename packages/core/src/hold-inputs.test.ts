import { expect, test } from 'vitest';
import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type AttentionProblem,
  CONTRACT_VERSION,
  HeedError,
  type ResidentTensor,
  type Tensor,
  attention,
  isResident,
  tensor,
} from './index.ts';
import reference from './reference/index.ts';

/** A tensor of an engine that copies held tensors. */
class EngineTensor implements ResidentTensor {
  readonly resident = true;
  #tensor: Tensor | null;

  constructor(plain: Tensor) {
    this.#tensor = structuredClone(plain);
  }

  get dtype(): Tensor['dtype'] {
    return this.inside.dtype;
  }

  get shape(): readonly number[] {
    return this.inside.shape;
  }

  get inside(): Tensor {
    if (this.#tensor !== null) return this.#tensor;
    throw new HeedError('DISPOSED', 'the tensor was disposed');
  }

  async write({ data }: Tensor): Promise<void> {
    this.inside.data.set(data);
  }

  async read(): Promise<Tensor> {
    return structuredClone(this.inside);
  }

  async gather(): Promise<never> {
    throw new HeedError('ENGINE', 'not needed here');
  }

  async reorder(): Promise<never> {
    throw new HeedError('ENGINE', 'not needed here');
  }

  async copy(): Promise<never> {
    throw new HeedError('ENGINE', 'not needed here');
  }

  view(): never {
    throw new HeedError('ENGINE', 'not needed here');
  }

  hold(): EngineTensor {
    return new EngineTensor(this.inside);
  }

  dispose(): void {
    this.#tensor = null;
  }
}

/** Returns its value: right for one key. Compiling takes turns of the event loop. Not made by defineBackend. */
class Engine implements AttentionBackend {
  readonly contract = CONTRACT_VERSION;
  readonly name = 'engine';
  readonly device = 'engine';
  readonly capabilities = {
    dtypes: ['float32'],
    features: ['gradient', 'statistics'],
    guarantees: [],
  } as const;
  readonly given: ResidentTensor[] = [];

  supports(): { supported: true } {
    return { supported: true };
  }

  async compile(problem: AttentionProblem): Promise<AttentionKernel> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const valueOf = ({ value }: AttentionInputs): Tensor => {
      if (!isResident(value)) return value;
      // A copy of the object's own members would fail.
      if (!(value instanceof EngineTensor))
        throw new HeedError('FOREIGN_TENSOR', 'not a tensor of this engine');
      this.given.push(value);
      return structuredClone(value.inside);
    };
    const row = (): Tensor => tensor(new Float32Array(1), [1, 1, 1]);
    const dispose = async (): Promise<void> => undefined;
    return {
      problem,
      plan: { algorithm: 'copy', tile: { query: 1, key: 1 }, scratchBytes: 0 },
      run: async (inputs: AttentionInputs) =>
        ({ output: valueOf(inputs), statistics: { rowMax: row(), rowSum: row() } }) as never,
      gradient: async (inputs: AttentionInputs) => ({ dValue: valueOf(inputs) }) as never,
      dispose,
      [Symbol.asyncDispose]: dispose,
    };
  }

  async upload(plain: unknown): Promise<never> {
    return new EngineTensor(plain as Tensor) as never;
  }

  async allocate(): Promise<never> {
    throw new HeedError('ENGINE', 'not needed here');
  }

  async dispose(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
const two = tensor(new Float32Array([2]), [1, 1, 1, 1]);

test('a backend by hand, with tensors of a class, is given tensors of that class as they were at the call', async () => {
  const backend = new Engine();
  const value: ResidentTensor = await backend.upload(x);
  const call = attention(backend, { query: x, key: x, value });
  await value.write(two, { axis: 0, start: 0 });
  expect([...(await call).output.data]).toEqual([1]);
  const last = attention(backend, { query: x, key: x, value });
  value.dispose();
  expect([...(await last).output.data]).toEqual([2]);
  expect(backend.given).toHaveLength(2);
  for (const held of backend.given) await expect(held.read()).rejects.toMatchObject({ code: 'DISPOSED' });
});

test('a gradient takes its tensors as they are when it is called', async () => {
  const backend = new Engine();
  const value: ResidentTensor = await backend.upload(x);
  const { gradient } = await attention(backend, { query: x, key: x, value, gradient: true });
  const call = gradient(x);
  value.dispose();
  expect([...(await call).dValue.data]).toEqual([1]);
  await expect(gradient(x)).rejects.toMatchObject({ code: 'DISPOSED' });
});

test('a resident tensor that cannot be held is refused, and what was held is let go', async () => {
  const backend = new Engine();
  const key: ResidentTensor = await backend.upload(x);
  const value = { resident: true, dtype: 'float32', shape: [1, 1, 1, 1] } as never;
  await expect(attention(backend, { query: x, key, value })).rejects.toMatchObject({
    code: 'ARGUMENT',
    message: expect.stringContaining('value is a resident tensor without hold()'),
  });
});

test('a copy of a resident tensor is refused, with what to give', async () => {
  await using backend = await reference.create();
  const value = await backend.upload(x);
  for (const copy of [structuredClone(value), { ...value }, JSON.parse(JSON.stringify(value))]) {
    await expect(attention(backend, { query: x, key: x, value: copy })).rejects.toMatchObject({
      code: 'ARGUMENT',
      remedy: expect.stringMatching(/the tensor itself.*read\(\)/),
    });
  }
  value.dispose();
});
