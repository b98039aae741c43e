import { type AttentionBackend, type RunOptions, type Tensor } from '@heed/core';
import { abortSignal, array, assertBackend, checkOptions, zeros } from '@heed/core/backend';
import { LayerNorm, type StateDict } from '@heed/layers';
import type { HubFiles } from '../decoder/decoder.ts';
import { EncoderBlock, runBlocks } from '../encoder/block.ts';
import { Projection } from '../engine/projection.ts';
import { type Capture, type Change, Hooks } from '../inside/hooks.ts';
import { WeightReader, checkWeight, refuseOthers } from '../weights/source.ts';
import { type VisionConfig, visionConfigOf } from './config.ts';
import { IMAGENET, type Picture, type PixelScale, patchesOf } from './picture.ts';
import { resized } from './resize.ts';

type Float32 = Tensor<'float32'>;

/** Options of {@link VisionTransformer}'s `run()`. */
export interface VisionRunOptions extends RunOptions {
  /** Mean and deviation of the pixels in training. Default: those of ImageNet. */
  readonly pixels?: PixelScale | undefined;
  /** Parts to return. Default: none. */
  readonly capture?: readonly Capture[] | undefined;
  /** Parts to replace. Default: none. */
  readonly change?: readonly Change[] | undefined;
}

/** Results of {@link VisionTransformer}'s `run()`. */
export interface VisionResults {
  /** The normalized output, `[1, 1 + rows · columns, E]`: the class token, then the patches row by row. */
  readonly tokens: Tensor<'float32'>;
  /** Patches down and across. */
  readonly grid: readonly [rows: number, columns: number];
  /** One for each capture, in their order. */
  readonly captured: readonly Tensor<'float32'>[];
}

interface Parts {
  readonly patches: Projection;
  readonly classToken: Float32['data'];
  /** `[1 + rows · columns, E]`. */
  readonly positions: Float32['data'];
  readonly blocks: readonly EncoderBlock[];
  readonly norm: LayerNorm;
}

/**
 * A vision transformer (Dosovitskiy et al., "An image is worth 16 × 16 words", 2021), ViT or DINOv2 (Oquab et al. 2023). Attention
 * runs on the backend, and so do projections where it offers `linear`. Pictures may be of any size that patches fill: positions are
 * interpolated.
 */
export class VisionTransformer {
  readonly config: VisionConfig;
  readonly #backend: AttentionBackend;
  readonly #parts: Parts;

  private constructor(backend: AttentionBackend, config: VisionConfig, parts: Parts) {
    this.config = config;
    this.#backend = backend;
    this.#parts = parts;
  }

  /**
   * Reads a model. A classifier or pooler behind it is left out.
   *
   * @throws HeedError `UNSUPPORTED` for a configuration that would be computed wrongly; `MISSING_INPUT`, `UNEXPECTED_INPUT` or
   * `SHAPE` where weights and configuration do not agree; what reading throws.
   */
  static async load(backend: AttentionBackend, files: HubFiles): Promise<VisionTransformer> {
    assertBackend(backend);
    const config = visionConfigOf(files?.config);
    const reader = new WeightReader(files.weights, `${config.kind}.`);
    for (const name of files.weights.names) {
      if (/(^|\.)(classifier\.|pooler\.|embeddings\.mask_token$)/.test(name)) reader.skip(name);
    }
    const parts = await readParts(config, reader);
    reader.finish();
    return new VisionTransformer(backend, config, parts);
  }

  /** The same weights on another backend. */
  on(backend: AttentionBackend): VisionTransformer {
    assertBackend(backend);
    return new VisionTransformer(backend, this.config, this.#parts);
  }

  /**
   * Looks at a picture, whose width and height are multiples of a patch's.
   *
   * @throws HeedError `ARGUMENT`, `SHAPE` or `UNKNOWN_OPTION`; what the backend throws; the signal's reason.
   */
  async run(picture: Picture, options: VisionRunOptions = {}): Promise<VisionResults> {
    checkOptions('run()', options, { pixels: true, capture: array, change: array, signal: abortSignal });
    const { pixels = IMAGENET, capture = [], change = [], signal } = options;
    const run = signal === undefined ? {} : { signal };
    const { patches, grid } = patchesOf(picture, this.config.patchSize, pixels);
    const length = 1 + grid[0] * grid[1];
    const hooks = new Hooks(this.config, { batch: 1, queries: length, keys: length }, capture, change);
    const { blocks, norm } = this.#parts;
    const embedded = this.#embed(await this.#parts.patches.forward(this.#backend, patches, run), grid);
    const step = { backend: this.#backend, counts: undefined, hooks, run };
    const stream = await runBlocks(blocks, embedded, step);
    return { tokens: norm.forward(stream) as Float32, grid, captured: hooks.results() };
  }

  /** The class token before the patches, with the positions of their grid. */
  #embed(patches: Float32, [rows, columns]: readonly [number, number]): Float32 {
    const { width, grid } = this.config;
    const { classToken, positions } = this.#parts;
    const stream = zeros('float32', [1, 1 + rows * columns, width]);
    stream.data.set(classToken);
    stream.data.set(patches.data, width);
    const learned = { rows: grid[0], columns: grid[1], channels: width, data: positions.subarray(width) };
    const isTrained = rows === grid[0] && columns === grid[1];
    const placed = isTrained ? learned.data : resized(learned, rows, columns, 'cubic');
    for (let e = 0; e < width; e++) stream.data[e] += positions[e];
    for (let n = 0; n < placed.length; n++) stream.data[width + n] += placed[n]!;
    return stream;
  }
}

async function readParts(config: VisionConfig, reader: WeightReader): Promise<Parts> {
  const { kind, layers, width, epsilon, patchSize, grid } = config;
  const embeddings = await reader.under('embeddings.');
  const weight = embeddings['patch_embeddings.projection.weight'];
  const bias = embeddings['patch_embeddings.projection.bias'];
  checkWeight('embeddings.patch_embeddings.projection.weight', weight, [width, 3, patchSize, patchSize]);
  checkWeight('embeddings.patch_embeddings.projection.bias', bias, [width]);
  const {
    cls_token: classToken,
    position_embeddings: positions,
    mask_token: _mask,
    'patch_embeddings.projection.weight': _weight,
    'patch_embeddings.projection.bias': _bias,
    ...others
  } = embeddings;
  refuseOthers('embeddings.', others);
  checkWeight('embeddings.cls_token', classToken, [1, 1, width]);
  checkWeight('embeddings.position_embeddings', positions, [1, 1 + grid[0] * grid[1], width]);
  const blocks: EncoderBlock[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const dict = await reader.under(`encoder.layer.${layer}.`);
    blocks.push(kind === 'vit' ? new EncoderBlock(config, layer, dict) : dinoBlock(config, layer, dict));
  }
  const norm = new LayerNorm({ embedDim: width, epsilon });
  norm.loadStateDict(await reader.under('layernorm.'));
  return {
    patches: new Projection({ weight: { ...weight, shape: [width, 3 * patchSize * patchSize] }, bias }),
    classToken: classToken.data,
    positions: positions.data,
    blocks,
    norm,
  };
}

/** Names of a layer of DINOv2 that are others in ViT. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^norm1\./, 'layernorm_before.'],
  [/^norm2\./, 'layernorm_after.'],
  [/^mlp\.fc1\./, 'intermediate.dense.'],
  [/^mlp\.fc2\./, 'output.dense.'],
];

function dinoBlock(config: VisionConfig, layer: number, dict: StateDict): EncoderBlock {
  const { 'layer_scale1.lambda1': first, 'layer_scale2.lambda1': second, ...rest } = dict;
  checkWeight(`encoder.layer.${layer}.layer_scale1.lambda1`, first, [config.width]);
  checkWeight(`encoder.layer.${layer}.layer_scale2.lambda1`, second, [config.width]);
  const renamed = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      RENAMED.reduce((text, [from, to]) => text.replace(from, to), name),
      value,
    ]),
  );
  return new EncoderBlock(config, layer, renamed, { attention: first, feedForward: second });
}
