import ts from '@heed/backend-ts';
import { type AttentionBackend, HeedError, tensor } from '@heed/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  Adam,
  AdamW,
  AdditiveAttention,
  HardAttention,
  Linear,
  LuongAttention,
  MultiHeadAttention,
  SGD,
  SpatialAttention,
  activationGradient,
  collectParameters,
} from './index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

/** Type that fits everywhere, for what a caller without types may write. */
type Anything = never;

/** The error of a call; anything that is not one of Heed fails the test. */
async function errorOf(work: () => unknown): Promise<HeedError> {
  try {
    await work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const x = tensor(new Float32Array(12), [1, 3, 4]);
const single = { queryDim: 4, keyDim: 4, attentionDim: 2 };
const makers: Record<string, [(options: Anything) => unknown, object]> = {
  MultiHeadAttention: [(o) => new MultiHeadAttention(o), { embedDim: 4, heads: 2 }],
  AdditiveAttention: [(o) => new AdditiveAttention(o), single],
  LuongAttention: [(o) => new LuongAttention(o), { ...single, score: 'general' }],
  HardAttention: [(o) => new HardAttention(o), single],
  SpatialAttention: [(o) => new SpatialAttention(o), { grid: [3], channels: 4, heads: 2 }],
  Linear: [(o) => new Linear(o), { inputDim: 4, outputDim: 2 }],
};

const forwards: Record<string, (b: unknown, inputs?: object, options?: object) => Promise<unknown>> = {
  MultiHeadAttention: (b, inputs, options) =>
    new MultiHeadAttention({ embedDim: 4, heads: 2 }).forward(
      b as Anything,
      { query: x, ...inputs },
      options,
    ),
  AdditiveAttention: (b, inputs, options) =>
    new AdditiveAttention(single).forward(b as Anything, { query: x, key: x, ...inputs }, options),
  LuongAttention: (b, inputs, options) =>
    new LuongAttention({ ...single, score: 'general' }).forward(
      b as Anything,
      { query: x, key: x, ...inputs },
      options,
    ),
  HardAttention: (b, inputs, options) =>
    new HardAttention(single).forward(
      b as Anything,
      { query: x, key: x, ...inputs },
      { selection: 'argmax', ...options },
    ),
};
const spatial = (b: unknown, inputs?: object, options?: object): Promise<unknown> =>
  new SpatialAttention({ grid: [3], channels: 4, heads: 2 }).forward(
    b as Anything,
    { input: x, ...inputs },
    options,
  );

describe.each(Object.entries(makers))('the options of %s', (name, [make, options]) => {
  test('a name that is not there is refused, and those that are there are told', async () => {
    const error = await errorOf(() => make({ ...options, quux: 1 } as Anything));
    expect(error.code).toBe('UNKNOWN_OPTION');
    expect(error.message).toContain(`${name}: unknown option \`quux\`; `);
    for (const known of Object.keys(options)) expect(error.remedy).toContain(known);
  });

  test('what is undefined is left out, whatever its name', () => {
    expect(() => make({ ...options, dtype: undefined, heds: undefined } as Anything)).not.toThrow();
  });

  test('a dtype that layers do not compute in, and random numbers from no function', async () => {
    expect(await errorOf(() => make({ ...options, dtype: 'float16' } as Anything))).toMatchObject({
      code: 'ARGUMENT',
      message: expect.stringContaining(`dtype is "float16"; expected 'float32' or 'float64'`) as string,
    });
    expect((await errorOf(() => make({ ...options, random: 7 } as Anything))).code).toBe('ARGUMENT');
  });

  test.each([[undefined], [null], [7], [[]]])('%j is not an object', async (given) => {
    expect((await errorOf(() => make(given as Anything))).code).toBe('ARGUMENT');
  });

  test('numbers that are left out are asked for by name', async () => {
    for (const missing of Object.keys(options).filter((option) => !['grid', 'score'].includes(option))) {
      if (name === 'LuongAttention' && missing === 'attentionDim') continue;
      const error = await errorOf(() => make({ ...options, [missing]: undefined } as Anything));
      expect(error.code).toBe('ARGUMENT');
      expect(error.remedy).toContain(missing);
    }
  });
});

test.each<[string, () => unknown]>([
  [
    'rotary: unknown option `bse`; did you mean `base`?',
    () => new MultiHeadAttention({ embedDim: 4, heads: 2, rotary: { bse: 5 } } as Anything),
  ],
  [
    'local: unknown option `width`',
    () =>
      new LuongAttention({
        ...single,
        score: 'dot',
        local: { position: 'monotonic', halfWidth: 1, width: 2 },
      } as Anything),
  ],
  [
    'queries: unknown option `learnt`; did you mean `learned`?',
    () => new SpatialAttention({ grid: [3], channels: 4, heads: 2, queries: { learnt: 1 } } as Anything),
  ],
  ['Adam: unknown option `lr`; write `learningRate`', () => new Adam({ lr: 0.1 } as Anything)],
  [
    'SGD: unknown option `momentun`; did you mean `momentum`?',
    () => new SGD({ learningRate: 1, momentun: 0.9 } as Anything),
  ],
  [
    'loadStateDict(): unknown option `prefx`; did you mean `prefix`?',
    () => new MultiHeadAttention({ embedDim: 4, heads: 2 }).loadStateDict({}, { prefx: 'a' } as Anything),
  ],
])('%s', async (message, work) => {
  expect(await errorOf(work)).toMatchObject({
    code: 'UNKNOWN_OPTION',
    message: expect.stringContaining(message),
  });
});

test.each<[string, () => unknown]>([
  ['beta1', () => new Adam({ beta1: 1 })],
  ['weightDecay', () => new AdamW({ weightDecay: -1 })],
  ['momentum', () => new SGD({ learningRate: 1, momentum: NaN })],
  ['grid', () => new SpatialAttention({ grid: 4, channels: 4, heads: 2 } as Anything)],
  ['grid[1]', () => new SpatialAttention({ grid: [2, 0], channels: 4, heads: 2 })],
  [
    'queries',
    () => new SpatialAttention({ grid: [3], channels: 4, heads: 2, queries: 'learned' } as Anything),
  ],
  ['headDim', () => new MultiHeadAttention({ embedDim: 5, heads: 2 })],
  ['kvHeads', () => new MultiHeadAttention({ embedDim: 4, heads: 4, kvHeads: 3 })],
])('the remedy speaks of %s', async (name, work) => {
  const error = await errorOf(work);
  expect(error.code).toBe('ARGUMENT');
  expect(error.remedy).toContain(name);
});

describe.each([...Object.entries(forwards), ['SpatialAttention', spatial] as const])(
  'forward() of %s',
  (_, forward) => {
    test('an input or an option that is not there is refused', async () => {
      const input = await errorOf(() => forward(backend, { quux: true }));
      expect(input.code).toBe('UNKNOWN_OPTION');
      expect(input.message).toContain('forward(): unknown option `quux`; ');
      expect(input.remedy).toContain('query');
      const option = await errorOf(() => forward(backend, {}, { grdient: true }));
      expect(option.code).toBe('UNKNOWN_OPTION');
      expect(option.message).toContain('forward(): unknown option `grdient`; ');
      expect(option.remedy).toContain('gradient');
    });

    test('a provider or a promise is not a backend', async () => {
      const none = [
        [ts, 'backend is the provider ts; expected a backend'],
        [ts.create(), 'backend is a promise; expected a backend'],
        [undefined, 'backend is undefined; expected a backend'],
        [{}, 'backend is an object; expected a backend'],
      ] as const;
      for (const [given, message] of none) {
        const error = await errorOf(() => forward(given));
        expect(error).toMatchObject({ code: 'ARGUMENT', reason: message });
        expect(error.remedy).toContain('await provider.create()');
      }
      const error = await errorOf(() => forward(backend, {}, { gradient: ts }));
      expect(error).toMatchObject({
        code: 'ARGUMENT',
        reason: 'gradient is the provider ts; expected a backend',
      });
    });

    test('a value that is not a plain tensor is refused by its name', async () => {
      const name = forward === spatial ? 'input' : 'query';
      const resident = await backend.upload(x);
      expect(await errorOf(() => forward(backend, { [name]: resident }))).toMatchObject({
        code: 'ARGUMENT',
        remedy: `await ${name}.read() gives a plain one`,
      });
      expect((await errorOf(() => forward(backend, { [name]: [[1]] }))).code).toBe('SHAPE');
      expect(
        (await errorOf(() => forward(backend, { [name]: { ...x, data: new Float32Array(2) } }))).code,
      ).toBe('SHAPE');
    });
  },
);

describe.each(Object.entries(forwards))('masks of %s', (_, forward) => {
  const padding = tensor(new Uint8Array([1, 1, 0]), [1, 3]);

  test('a key mask that does not fit is refused by its own name', async () => {
    for (const keyMask of [tensor(new Uint8Array(4), [1, 4]), tensor(new Uint8Array(6), [2, 3])]) {
      const error = await errorOf(() => forward(backend, { keyMask }));
      expect(error).toMatchObject({ code: 'SHAPE', clause: 'mask' });
      expect(error.reason).toMatch(/^keyMask is .* expected bool \[B=1, Lk=3\]$/);
    }
    expect((await errorOf(() => forward(backend, { keyMask: x }))).code).toBe('DTYPE');
    expect((await errorOf(() => forward(backend, { keyMask: 'all' as Anything }))).reason).toBe(
      'keyMask is not a tensor',
    );
    const resident = await backend.upload(padding);
    expect((await errorOf(() => forward(backend, { keyMask: resident }))).remedy).toContain('keyMask.read()');
  });

  test('a mask beside it that is not a mask is refused', async () => {
    const five = tensor(new Uint8Array(3), [1, 1, 1, 1, 3]);
    expect((await errorOf(() => forward(backend, { keyMask: padding, mask: five }))).code).toBe('SHAPE');
    expect((await errorOf(() => forward(backend, { keyMask: padding, mask: [[true], []] }))).code).toBe(
      'SHAPE',
    );
    const wide = tensor(new Uint8Array(6), [3, 2]);
    expect((await errorOf(() => forward(backend, { keyMask: padding, mask: wide }))).code).toBe('SHAPE');
  });
});

test.each<[string, string, RegExp, () => unknown]>([
  [
    'a gradient of another shape than the input',
    'SHAPE',
    /dOutput is \[4\]; expected the shape of the input, \[1, 3, 4\]/,
    () => activationGradient('gelu', x, tensor(new Float32Array(4), [4])),
  ],
  ['layers that have no names', 'ARGUMENT', /layers are null/, () => collectParameters(null as Anything)],
  [
    'an input without axes',
    'SHAPE',
    /input has no axes; expected \[…, 4\]/,
    () => new Linear({ inputDim: 4, outputDim: 2 }).forward(tensor(new Float32Array(1), [])),
  ],
  [
    'relative positions of queries that have none',
    'ARGUMENT',
    /relativePosition requires queries: 'places'/,
    () =>
      new SpatialAttention({
        grid: [3],
        channels: 4,
        heads: 2,
        queries: { learned: 2 },
        relativePosition: true,
      }),
  ],
  [
    'queries that are to be given and are not',
    'MISSING_INPUT',
    /query is missing; expected \[B, Lq, E\]/,
    () =>
      new SpatialAttention({ grid: [3], channels: 4, heads: 2, queries: 'given' }).forward(backend, {
        input: x,
      }),
  ],
])('%s: %s', async (_, code, message, work) => {
  const error = await errorOf(work);
  expect(error).toMatchObject({ code, remedy: expect.any(String) });
  expect(error.message).toMatch(message);
});
