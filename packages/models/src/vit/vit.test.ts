import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import { type Tensor, tensor } from '@heed/core';
import { type FloatTensor, LayerNorm, type StateDict, TransformerBlock, seededRandom } from '@heed/layers';
import { afterAll, describe, expect, test } from 'vitest';
import { type Picture, SaliencyHead, VisionTransformer } from '../index.ts';
import { HubWeights, fileOf, randomTensors } from '../test/hub-weights.ts';
import { visionConfigOf } from './config.ts';
import { resized } from './resize.ts';

const backends = { ts: await ts.create(), 'wasm, projections too': await wasm.create() };
afterAll(async () => {
  for (const backend of Object.values(backends)) await backend.dispose();
});

const [WIDTH, HEADS, HIDDEN, LAYERS, PATCH, SIDE] = [12, 3, 20, 2, 2, 3];
const COMMON = {
  hidden_act: 'gelu',
  hidden_size: WIDTH,
  num_attention_heads: HEADS,
  num_hidden_layers: LAYERS,
  image_size: PATCH * SIDE,
  patch_size: PATCH,
};
const CONFIGS = {
  vit: { ...COMMON, model_type: 'vit', intermediate_size: HIDDEN, layer_norm_eps: 1e-5 },
  dinov2: { ...COMMON, model_type: 'dinov2', mlp_ratio: HIDDEN / WIDTH, layer_norm_eps: 1e-5 },
};
type Kind = keyof typeof CONFIGS;

/** Random weights under the names of the hub. */
function weightsOf(kind: Kind): HubWeights['dict'] {
  const weights = new HubWeights(4);
  const both = weights.both.bind(weights);
  weights.add('embeddings.cls_token', 1, 1, WIDTH);
  weights.add('embeddings.position_embeddings', 1, 1 + SIDE * SIDE, WIDTH);
  both('embeddings.patch_embeddings.projection', WIDTH, 3, PATCH, PATCH);
  for (let n = 0; n < LAYERS; n++) {
    const block = `encoder.layer.${n}`;
    for (const name of ['query', 'key', 'value']) both(`${block}.attention.attention.${name}`, WIDTH, WIDTH);
    both(`${block}.attention.output.dense`, WIDTH, WIDTH);
    if (kind === 'vit') {
      both(`${block}.layernorm_before`, WIDTH);
      both(`${block}.layernorm_after`, WIDTH);
      both(`${block}.intermediate.dense`, HIDDEN, WIDTH);
      both(`${block}.output.dense`, WIDTH, HIDDEN);
    } else {
      both(`${block}.norm1`, WIDTH);
      both(`${block}.norm2`, WIDTH);
      both(`${block}.mlp.fc1`, HIDDEN, WIDTH);
      both(`${block}.mlp.fc2`, WIDTH, HIDDEN);
      weights.add(`${block}.layer_scale1.lambda1`, WIDTH);
      weights.add(`${block}.layer_scale2.lambda1`, WIDTH);
    }
  }
  both('layernorm', WIDTH);
  return weights.dict;
}

function pictureOf(width: number, height: number, channels = 3): Picture {
  const next = seededRandom(7);
  return { width, height, data: Uint8Array.from({ length: channels * width * height }, () => 256 * next()) };
}

/** The same model of whole blocks of `@heed/layers`; layer scales are folded into projections. */
async function tokensOfLayers(kind: Kind, { width, data }: Picture): Promise<ArrayLike<number>> {
  const dict = weightsOf(kind);
  const weight = dict['embeddings.patch_embeddings.projection.weight']!.data;
  const positions = dict['embeddings.position_embeddings']!.data;
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const rows = [...dict['embeddings.cls_token']!.data];
  for (let patch = 0; patch < SIDE * SIDE; patch++) {
    for (let e = 0; e < WIDTH; e++) {
      let sum = dict['embeddings.patch_embeddings.projection.bias']!.data[e]!;
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < PATCH; y++) {
          for (let x = 0; x < PATCH; x++) {
            const at = (Math.floor(patch / SIDE) * PATCH + y) * width + (patch % SIDE) * PATCH + x;
            const pixel = (data[at * 3 + c]! / 255 - mean[c]!) / deviation[c]!;
            sum += weight[((e * 3 + c) * PATCH + y) * PATCH + x]! * pixel;
          }
        }
      }
      rows.push(sum);
    }
  }
  let stream: FloatTensor = tensor(
    Float32Array.from(rows, (value, n) => value + positions[n]!),
    [1, 1 + SIDE * SIDE, WIDTH],
  );
  for (let n = 0; n < LAYERS; n++) {
    const prefix = `encoder.layer.${n}.`;
    const block = new TransformerBlock({ embedDim: WIDTH, heads: HEADS, hiddenDim: HIDDEN, epsilon: 1e-5 });
    const names: readonly (readonly [string, string])[] = [
      ['norm1', 'layernorm_before'],
      ['norm2', 'layernorm_after'],
      ['mlp.fc1', 'intermediate.dense'],
      ['mlp.fc2', 'output.dense'],
    ];
    const own = Object.entries(dict)
      .filter(([name]) => name.startsWith(prefix) && !name.includes('layer_scale'))
      .map(([name, value]) => [
        names.reduce((text, [from, to]) => text.replace(from, to), name.slice(prefix.length)),
        value,
      ]);
    block.loadStateDict(Object.fromEntries(own) as StateDict);
    for (const [name, scale] of [
      ['attention.output', 'layer_scale1'],
      ['feedForward.down', 'layer_scale2'],
    ]) {
      const factors = dict[`${prefix}${scale}.lambda1`]?.data;
      if (factors === undefined) continue;
      const { data: w } = block.parameters[`${name}.weight`];
      for (let at = 0; at < w.length; at++) w[at] *= factors[Math.floor(at / (w.length / WIDTH))]!;
      const { data: b } = block.parameters[`${name}.bias`];
      for (let at = 0; at < b.length; at++) b[at] *= factors[at]!;
    }
    stream = (await block.forward(backends.ts, { input: stream })).output;
  }
  const norm = new LayerNorm({ embedDim: WIDTH, epsilon: 1e-5 });
  norm.loadStateDict({ weight: dict['layernorm.weight']!, bias: dict['layernorm.bias']! });
  return norm.forward(stream).data;
}

describe.each(Object.entries(backends))('%s', (_, backend) => {
  test.each(['vit', 'dinov2'] as const)(
    '%s: tokens are those of the same model made of layers',
    async (kind) => {
      const model = await VisionTransformer.load(backend, {
        config: CONFIGS[kind],
        weights: await fileOf(weightsOf(kind)),
      });
      const picture = pictureOf(6, 6);
      // Layers that nobody looks into stay on the engine, whose norms are rounded otherwise.
      const looking = {
        capture: [
          { layer: 1, what: 'weights' },
          { layer: 0, what: 'feedForward' },
        ],
      } as const;
      const { tokens, grid, captured } = await model.run(picture, looking);
      expect([tokens.shape, grid]).toEqual([
        [1, 10, WIDTH],
        [3, 3],
      ]);
      const expected = await tokensOfLayers(kind, picture);
      tokens.data.forEach((value, n) => expect(Math.abs(value - expected[n]!)).toBeLessThan(2e-5));
      expect(captured.map(({ shape }) => shape.join())).toEqual(['1,3,10,10', '1,10,12']);
      // Alpha is not looked at.
      const withAlpha = Uint8Array.from({ length: 4 * 36 }, (__, n) =>
        n % 4 === 3 ? n : picture.data[Math.floor(n / 4) * 3 + (n % 4)]!,
      );
      const again = await model.run({ ...picture, data: withAlpha }, looking);
      expect(again.tokens.data).toEqual(tokens.data);
      const unseen = await model.run(picture);
      unseen.tokens.data.forEach((value, n) => expect(Math.abs(value - expected[n]!)).toBeLessThan(2e-5));
    },
  );
});

test('names may have the prefix of the whole model; a classifier is left out', async () => {
  const dict = Object.fromEntries(
    Object.entries(weightsOf('vit')).map(([name, value]) => [`vit.${name}`, value]),
  );
  const weights = await fileOf({ ...dict, 'classifier.weight': tensor(new Float32Array(WIDTH), [1, WIDTH]) });
  const model = await VisionTransformer.load(backends.ts, { config: CONFIGS.vit, weights });
  // Of another size than in training: positions are interpolated.
  const { tokens, grid } = await model.run(pictureOf(8, 4));
  expect([tokens.shape, grid]).toEqual([
    [1, 9, WIDTH],
    [2, 4],
  ]);
});

test('mistakes are named', async () => {
  const model = await VisionTransformer.load(backends.ts, {
    config: CONFIGS.vit,
    weights: await fileOf(weightsOf('vit')),
  });
  await expect(model.run(pictureOf(7, 6))).rejects.toThrow('7 × 6 pixels; expected multiples of 2');
  await expect(model.run({ width: 6, height: 6, data: new Uint8Array(7) })).rejects.toThrow('has 7 bytes');
  await expect(model.run({ width: 6, height: 6, data: [] as never })).rejects.toThrow(
    'expected a Uint8Array',
  );
  await expect(model.run({ width: 0, height: 6, data: new Uint8Array(0) })).rejects.toThrow('whole numbers');
  await expect(model.run(pictureOf(6, 6), { captures: [] } as object)).rejects.toMatchObject({
    code: 'UNKNOWN_OPTION',
  });
  const { 'encoder.layer.0.layer_scale1.lambda1': _, ...rest } = weightsOf('dinov2');
  await expect(
    VisionTransformer.load(backends.ts, { config: CONFIGS.dinov2, weights: await fileOf(rest) }),
  ).rejects.toMatchObject({ code: 'MISSING_INPUT' });
  const more = {
    ...weightsOf('vit'),
    'embeddings.register_tokens': tensor(new Float32Array(WIDTH), [1, 1, WIDTH]),
  };
  await expect(
    VisionTransformer.load(backends.ts, { config: CONFIGS.vit, weights: await fileOf(more) }),
  ).rejects.toMatchObject({ code: 'UNEXPECTED_INPUT' });
});

test.each<[string, object]>([
  ['model_type', { ...CONFIGS.vit, model_type: 'dinov2_with_registers' }],
  ['model_type', { ...CONFIGS.vit, model_type: undefined }],
  ['qkv_bias', { ...CONFIGS.vit, qkv_bias: false }],
  ['num_channels', { ...CONFIGS.vit, num_channels: 1 }],
  ['use_swiglu_ffn', { ...CONFIGS.dinov2, use_swiglu_ffn: true }],
  ['hidden_act', { ...CONFIGS.vit, hidden_act: 'quick_gelu' }],
  ['num_attention_heads', { ...CONFIGS.vit, num_attention_heads: 5 }],
  ['image_size', { ...CONFIGS.vit, image_size: 7 }],
  ['num_register_tokens', { ...CONFIGS.dinov2, num_register_tokens: 4 }],
])('a configuration that would be computed wrongly is refused: %s', (words, config) => {
  expect(() => visionConfigOf(config)).toThrow(words);
});

describe('other sizes', () => {
  const next = seededRandom(8);
  const grid = { rows: 5, columns: 4, channels: 2, data: Float64Array.from({ length: 40 }, next) };

  test.each(['cubic', 'linear'] as const)('%s: the same size is the same grid', (kind) => {
    resized(grid, 5, 4, kind).forEach((value, n) => expect(value).toBeCloseTo(grid.data[n]!, 12));
  });
  test('linear: a slope stays one, away from the edges', () => {
    const slope = { rows: 1, columns: 12, channels: 1, data: Array.from({ length: 12 }, (_, n) => n) };
    resized(slope, 1, 30, 'linear')
      .subarray(8, 22)
      .forEach((value, n) => expect(value).toBeCloseTo((n + 8.5) * 0.4 - 0.5, 10));
  });
  test('half-way between two pixels: the cubic kernel with a = −0.75', () => {
    const step = { rows: 1, columns: 4, channels: 1, data: [0, 0, 1, 1] };
    // −0.09375, 0.59375, 0.59375, −0.09375.
    expect([...resized(step, 1, 2, 'cubic')]).toEqual([-0.09375, 1.09375]);
  });
});

test('the saliency head is its transposed convolutions, normalized, by their definition', async () => {
  const make = randomTensors(6);
  const widths = [WIDTH, 4, 3, 2];
  const dict: Record<string, Tensor<'float32'>> = {};
  for (let n = 1; n <= 3; n++) {
    const [inputs, outputs] = [widths[n - 1]!, widths[n]!];
    dict[`upconv${n}.weight`] = make(inputs, outputs, 4, 4);
    dict[`upconv${n}.bias`] = make(outputs);
    for (const name of ['weight', 'bias', 'running_mean']) dict[`bn${n}.${name}`] = make(outputs);
    dict[`bn${n}.running_var`] = tensor(
      make(outputs).data.map((value) => value + 1),
      [outputs],
    );
  }
  dict['final_conv.weight'] = make(1, 2, 1, 1);
  dict['final_conv.bias'] = make(1);
  const head = await SaliencyHead.load(await fileOf(dict));
  const tokens = make(1, 1 + 2 * 3, WIDTH);
  const size = [16, 24] as const;
  const saliency = await head.run(backends.ts, { tokens, grid: [2, 3], captured: [] }, size);
  expect(saliency.shape).toEqual([...size]);

  let [rows, columns] = [2, 3];
  // Channel by channel.
  let features = Array.from({ length: WIDTH }, (_, c) =>
    Float64Array.from({ length: 6 }, (__, n) => tokens.data[(n + 1) * WIDTH + c]!),
  );
  for (let n = 1; n <= 3; n++) {
    const part = (name: string): Float32Array => dict[name]!.data;
    features = Array.from({ length: widths[n]! }, (_, o) => {
      const plane = new Float64Array(4 * rows * columns).fill(part(`upconv${n}.bias`)[o]!);
      features.forEach((input, i) =>
        input.forEach((value, at) => {
          for (let tap = 0; tap < 16; tap++) {
            const y = 2 * Math.floor(at / columns) - 1 + Math.floor(tap / 4);
            const x = 2 * (at % columns) - 1 + (tap % 4);
            if (y < 0 || x < 0 || y >= 2 * rows || x >= 2 * columns) continue;
            plane[y * 2 * columns + x] += value * part(`upconv${n}.weight`)[(i * widths[n]! + o) * 16 + tap]!;
          }
        }),
      );
      const [mean, variance] = [part(`bn${n}.running_mean`)[o]!, part(`bn${n}.running_var`)[o]!];
      return plane.map((value) =>
        Math.max(
          0,
          ((value - mean) / Math.sqrt(variance + 1e-5)) * part(`bn${n}.weight`)[o]! + part(`bn${n}.bias`)[o]!,
        ),
      );
    });
    rows *= 2;
    columns *= 2;
  }
  saliency.data.forEach((value, at) => {
    const sum = features.reduce(
      (total, plane, c) => total + plane[at]! * dict['final_conv.weight']!.data[c]!,
      dict['final_conv.bias']!.data[0]!,
    );
    expect(value).toBeCloseTo(1 / (1 + Math.exp(-sum)), 5);
  });
  await expect(
    head.run(backends.ts, { tokens: make(1, 7, 5), grid: [2, 3], captured: [] }, size),
  ).rejects.toThrow('tokens are 5 wide; expected 12');
});
