import { type AttentionBackend, HeedError, type RunOptions, type Tensor } from '@heed/core';
import { abortSignal, assertBackend, checkOptions, zeros } from '@heed/core/backend';
import { Projection } from '../engine/projection.ts';
import { WeightReader, type WeightSource, checkWeight } from '../weights/source.ts';
import { resized } from './resize.ts';
import type { VisionResults } from './vision-transformer.ts';

type Float32 = Tensor<'float32'>;

/** Pixels of a transposed convolution's kernel, down and across; each place of the input becomes two of the output. */
const [KERNEL, STRIDE, PADDING] = [4, 2, 1];
/** Added to the variance in batch normalization: PyTorch's default. */
const EPSILON = 1e-5;

/** A layer that doubles a grid. */
interface Doubling {
  /** `[in]` → `[out · 4 · 4]`. */
  readonly project: Projection;
  /** `[out]`, behind normalization. */
  readonly bias: Float64Array;
}

/** A grid of features, `[rows · columns, channels]`. */
interface Features {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32;
}

/**
 * A head that tells from a vision transformer's patches how salient each pixel is: three transposed convolutions with batch
 * normalization, one of a single pixel, and linear interpolation to the picture's size. Names of its tensors: `upconv1`…`3`,
 * `bn1`…`3`, `final_conv`.
 */
export class SaliencyHead {
  readonly #doublings: readonly Doubling[];
  readonly #final: Projection;

  private constructor(doublings: readonly Doubling[], final: Projection) {
    this.#doublings = doublings;
    this.#final = final;
  }

  /**
   * Reads the head's weights.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT` or `SHAPE`; what reading throws.
   */
  static async load(weights: WeightSource): Promise<SaliencyHead> {
    const reader = new WeightReader(weights, 'decoder.');
    const doublings: Doubling[] = [];
    for (let n = 1; n <= 3; n++) doublings.push(await readDoubling(n, reader));
    const { weight, bias } = await reader.under('final_conv.');
    const channels = doublings[2]!.bias.length;
    checkWeight('final_conv.weight', weight, [1, channels, 1, 1]);
    checkWeight('final_conv.bias', bias, [1]);
    reader.finish();
    return new SaliencyHead(doublings, new Projection({ weight: { ...weight, shape: [1, channels] }, bias }));
  }

  /**
   * Computes the saliency of a picture's pixels, 0…1, `[height, width]`.
   *
   * @param seen result of `run()` of the vision transformer.
   * @param size height and width of the picture.
   * @throws HeedError `SHAPE` for tokens of another width; `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws.
   */
  async run(
    backend: AttentionBackend,
    { tokens, grid: [rows, columns] }: VisionResults,
    [height, width]: readonly [height: number, width: number],
    options: RunOptions = {},
  ): Promise<Tensor<'float32'>> {
    assertBackend(backend);
    checkOptions('run()', options, { signal: abortSignal });
    const channels = tokens.shape[2]!;
    const expected = this.#doublings[0]!.project.inputDim;
    if (channels !== expected) {
      throw new HeedError('SHAPE', `tokens are ${channels} wide; expected ${expected}`, {
        remedy: 'take the head of this vision transformer',
      });
    }
    let features: Features = {
      rows,
      columns,
      data: { dtype: 'float32', shape: [rows * columns, channels], data: tokens.data.slice(channels) },
    };
    for (const doubling of this.#doublings) features = await doubled(backend, doubling, features, options);
    const { data } = await this.#final.forward(backend, features.data, options);
    const full = resized(
      { rows: features.rows, columns: features.columns, channels: 1, data },
      height,
      width,
      'linear',
    );
    const saliency = zeros('float32', [height, width]);
    for (let n = 0; n < full.length; n++) saliency.data[n] = 1 / (1 + Math.exp(-full[n]!));
    return saliency;
  }
}

/** Reads a transposed convolution, with the batch normalization behind it folded into its numbers. */
async function readDoubling(n: number, reader: WeightReader): Promise<Doubling> {
  const { weight, bias } = await reader.under(`upconv${n}.`);
  const [inputs = 0, outputs = 0] = weight?.shape ?? [];
  checkWeight(`upconv${n}.weight`, weight, [inputs, outputs, KERNEL, KERNEL]);
  checkWeight(`upconv${n}.bias`, bias, [outputs]);
  const norm = await reader.under(`bn${n}.`);
  for (const name of ['weight', 'bias', 'running_mean', 'running_var']) {
    checkWeight(`bn${n}.${name}`, norm[name], [outputs]);
  }
  const part = (name: string): ArrayLike<number> => norm[name]!.data;
  const scale = Float64Array.from(
    { length: outputs },
    (_, o) => part('weight')[o]! / Math.sqrt(part('running_var')[o]! + EPSILON),
  );
  const size = outputs * KERNEL * KERNEL;
  const rows = zeros('float32', [size, inputs]);
  for (let i = 0; i < inputs; i++) {
    for (let at = 0; at < size; at++) {
      rows.data[at * inputs + i] = weight.data[i * size + at] * scale[Math.floor(at / (KERNEL * KERNEL))]!;
    }
  }
  return {
    project: new Projection({ weight: rows }),
    bias: scale.map((factor, o) => (bias.data[o] - part('running_mean')[o]!) * factor + part('bias')[o]!),
  };
}

/** The transposed convolution: each place adds its projection to the pixels around it; then ReLU. */
async function doubled(
  backend: AttentionBackend,
  { project, bias }: Doubling,
  { rows, columns, data }: Features,
  run: RunOptions,
): Promise<Features> {
  const projected = (await project.forward(backend, data, run)).data;
  const channels = bias.length;
  const [height, width] = [STRIDE * rows, STRIDE * columns];
  const result = zeros('float32', [height * width, channels]);
  for (let n = 0; n < height * width; n++) result.data.set(bias, n * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * channels * KERNEL * KERNEL;
      for (let ky = 0; ky < KERNEL; ky++) {
        const y = row * STRIDE - PADDING + ky;
        if (y < 0 || y >= height) continue;
        for (let kx = 0; kx < KERNEL; kx++) {
          const x = column * STRIDE - PADDING + kx;
          if (x < 0 || x >= width) continue;
          const to = (y * width + x) * channels;
          const tap = from + ky * KERNEL + kx;
          for (let c = 0; c < channels; c++) result.data[to + c] += projected[tap + c * KERNEL * KERNEL];
        }
      }
    }
  }
  for (let n = 0; n < result.data.length; n++) if (result.data[n] < 0) result.data[n] = 0;
  return { rows: height, columns: width, data: result };
}
