import type { AttentionBackend, RunOptions, Tensor } from '@heed/core';
import { LayerNorm } from '@heed/layers';
import type { LogMel } from '../audio/log-mel.ts';
import { EncoderBlock, runBlocks } from '../encoder/block.ts';
import { Projection } from '../engine/projection.ts';
import type { Hooks } from '../inside/hooks.ts';
import { type WeightReader, checkWeight } from '../weights/source.ts';
import type { WhisperConfig } from './config.ts';

type Float32 = Tensor<'float32'>;

/** Added to the variance in the norms: PyTorch's default, which Whisper has no field for. */
export const EPSILON = 1e-5;
/** Frames that a convolution sums. */
const TAPS = 3;

/** Whisper's encoder: two convolutions over log-mel frames, learned positions, and layers of attention among all of a window. */
export class WhisperEncoder {
  readonly #config: WhisperConfig;
  readonly #convolutions: readonly [Projection, Projection];
  readonly #positions: Float32['data'];
  readonly #blocks: readonly EncoderBlock[];
  readonly #norm: LayerNorm;

  private constructor(
    config: WhisperConfig,
    convolutions: readonly [Projection, Projection],
    positions: Float32['data'],
    blocks: readonly EncoderBlock[],
    norm: LayerNorm,
  ) {
    this.#config = config;
    this.#convolutions = convolutions;
    this.#positions = positions;
    this.#blocks = blocks;
    this.#norm = norm;
  }

  /** Reads the encoder's weights. */
  static async load(config: WhisperConfig, reader: WeightReader): Promise<WhisperEncoder> {
    const { width, activation, encoder, melBins, sourcePositions } = config;
    const convolution = async (name: string, inputs: number): Promise<Projection> => {
      const { weight, bias } = await reader.under(`encoder.${name}.`);
      checkWeight(`encoder.${name}.weight`, weight, [width, inputs, TAPS]);
      checkWeight(`encoder.${name}.bias`, bias, [width]);
      // GELU, whatever the layers have.
      return new Projection({ weight: rowsOfTaps(weight as Float32), bias }, 'gelu');
    };
    const convolutions = [await convolution('conv1', melBins), await convolution('conv2', width)] as const;
    const { weight: positions } = await reader.under('encoder.embed_positions.');
    checkWeight('encoder.embed_positions.weight', positions, [sourcePositions, width]);
    const shape = {
      ...encoder,
      width,
      headDim: width / encoder.heads,
      epsilon: EPSILON,
      activation,
      normFirst: true,
    };
    const blocks: EncoderBlock[] = [];
    for (let layer = 0; layer < encoder.layers; layer++) {
      blocks.push(new EncoderBlock(shape, layer, await reader.under(`encoder.layers.${layer}.`)));
    }
    const norm = new LayerNorm({ embedDim: width, epsilon: EPSILON });
    norm.loadStateDict(await reader.under('encoder.layer_norm.'));
    return new WhisperEncoder(config, convolutions, positions.data as Float32['data'], blocks, norm);
  }

  /**
   * Encodes a window.
   *
   * @param frame with which it begins; silence follows the sound's last frame.
   * @returns `[1, positions, E]`.
   */
  async forward(
    backend: AttentionBackend,
    mel: LogMel,
    frame: number,
    hooks: Hooks,
    run: RunOptions,
  ): Promise<Float32> {
    const { sourcePositions, width, melBins } = this.#config;
    const frames = 2 * sourcePositions;
    const padded = new Float32Array((frames + 2) * melBins).fill(mel.floor);
    padded.set(mel.data.subarray(frame * melBins, (frame + frames) * melBins), melBins);
    // The convolution's own padding is 0, not silence.
    padded.fill(0, 0, melBins).fill(0, (frames + 1) * melBins);
    const first = await this.#convolutions[0].forward(backend, windows(padded, frames, melBins, 1), run);
    const between = new Float32Array((frames + 2) * width);
    between.set(first.data, width);
    const second = await this.#convolutions[1].forward(
      backend,
      windows(between, sourcePositions, width, 2),
      run,
    );
    let stream: Float32 = { ...second, shape: [1, sourcePositions, width] };
    for (let n = 0; n < stream.data.length; n++) stream.data[n] += this.#positions[n];
    const step = { backend, counts: undefined, hooks, run };
    stream = await runBlocks(this.#blocks, stream, step);
    return this.#norm.forward(stream) as Float32;
  }
}

/** Rows of `TAPS` frames side by side, a row every `stride` frames: what a convolution's projection takes. */
function windows(data: Float32Array, rows: number, width: number, stride: number): Float32 {
  const result = new Float32Array(rows * TAPS * width);
  for (let row = 0; row < rows; row++) {
    const from = row * stride * width;
    result.set(data.subarray(from, from + TAPS * width), row * TAPS * width);
  }
  return { dtype: 'float32', shape: [1, rows, TAPS * width], data: result };
}

/** `[out, in, taps]` → `[out, taps · in]`. */
function rowsOfTaps({ shape, data }: Float32): Float32 {
  const [outputs, inputs] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let tap = 0; tap < TAPS; tap++) {
        result[(o * TAPS + tap) * inputs + i] = data[(o * inputs + i) * TAPS + tap];
      }
    }
  }
  return { dtype: 'float32', shape: [outputs, TAPS * inputs], data: result };
}
