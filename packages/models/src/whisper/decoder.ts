import { type AttentionBackend, HeedError, type RunOptions, type Tensor } from '@heed/core';
import { LayerNorm, type StateDict } from '@heed/layers';
import { Projection, disposeAll } from '../engine/projection.ts';
import { type Matrix, decodeRow } from '../weights/matrix.ts';
import { type WeightReader, checkWeight } from '../weights/source.ts';
import type { WhisperConfig } from './config.ts';
import { CrossAttention, type WindowMemory } from './cross-attention.ts';
import { EPSILON } from './encoder.ts';
import { type LayerCache, SelfAttention } from './self-attention.ts';

type Float32 = Tensor<'float32'>;

/** A layer of the decoder. */
interface Layer {
  readonly self: SelfAttention;
  readonly cross: CrossAttention;
  readonly up: Projection;
  readonly down: Projection;
  readonly norms: Readonly<Record<'self' | 'cross' | 'feedForward', LayerNorm>>;
}

/** A window's keys and values in the backend's memory, for each layer. */
export interface Window {
  readonly memories: readonly WindowMemory[];
  dispose(): void;
}

/** Keys and values of a text's tokens so far, for each layer. */
export interface TextCache {
  readonly layers: readonly LayerCache[];
  readonly length: number;
  dispose(): void;
}

/** Results of a step of the decoder. */
export interface DecoderStep {
  /** `[L, V]`. */
  readonly logits: Float32;
  /** Cross-attention of each requested layer: `[1, H, L, positions]`. */
  readonly crossWeights: ReadonlyMap<number, Float32>;
  /** Self-attention of each requested layer: `[1, H, L, L]`. */
  readonly weights: ReadonlyMap<number, Float32>;
}

/** Whisper's decoder: causal attention to the text, attention to the window, feed-forward layers, scores of the next token. */
export class WhisperDecoder {
  readonly #config: WhisperConfig;
  readonly #words: Matrix;
  readonly #scores: Projection;
  readonly #positions: Float32['data'];
  readonly #layers: readonly Layer[];
  readonly #norm: LayerNorm;

  private constructor(
    config: WhisperConfig,
    words: Matrix,
    positions: Float32['data'],
    layers: readonly Layer[],
    norm: LayerNorm,
  ) {
    this.#config = config;
    this.#words = words;
    // The rows of the embedding give the scores.
    this.#scores = new Projection([{ weight: words }]);
    this.#positions = positions;
    this.#layers = layers;
    this.#norm = norm;
  }

  /** Reads the decoder's weights. */
  static async load(config: WhisperConfig, reader: WeightReader): Promise<WhisperDecoder> {
    const { width, vocabulary, targetPositions, decoder } = config;
    const words = await reader.matrix('decoder.embed_tokens.weight', [vocabulary, width]);
    reader.skip('proj_out.weight');
    const { weight: positions } = await reader.under('decoder.embed_positions.');
    checkWeight('decoder.embed_positions.weight', positions, [targetPositions, width]);
    const layers: Layer[] = [];
    for (let n = 0; n < decoder.layers; n++) {
      layers.push(await loadLayer(config, `decoder.layers.${n}.`, reader));
    }
    const norm = normOf(width, await reader.under('decoder.layer_norm.'));
    return new WhisperDecoder(config, words, positions.data, layers, norm);
  }

  /** @param encoded `[1, positions, E]`. */
  async window(backend: AttentionBackend, encoded: Float32, run: RunOptions): Promise<Window> {
    const memories: WindowMemory[] = [];
    const given = backend.linear === undefined ? encoded : await backend.upload(encoded);
    const dispose = (): void => {
      for (const { key, value } of memories) {
        key.dispose();
        value.dispose();
      }
    };
    try {
      for (const { cross } of this.#layers) memories.push(await cross.memory(backend, given, run));
    } catch (error) {
      dispose();
      throw error;
    } finally {
      disposeAll([given]);
    }
    return { memories, dispose };
  }

  /** An empty cache. */
  async cache(backend: AttentionBackend): Promise<TextCache> {
    const layers: LayerCache[] = [];
    const dispose = (): void => {
      for (const { key, value } of layers) {
        key.dispose();
        value.dispose();
      }
    };
    try {
      for (const { self } of this.#layers) {
        layers.push(await self.cache(backend, this.#config.targetPositions));
      }
    } catch (error) {
      dispose();
      throw error;
    }
    return {
      layers,
      get length() {
        return layers[0].length;
      },
      dispose,
    };
  }

  /**
   * Runs tokens, which follow those of the cache.
   *
   * @param rows scores of the last token, or of all.
   * @param captured layers whose weights to return.
   */
  async forward(
    backend: AttentionBackend,
    ids: readonly number[],
    window: Window,
    cache: TextCache | null,
    rows: 'last' | 'all',
    captured: Readonly<Record<'weights' | 'crossWeights', ReadonlySet<number>>>,
    run: RunOptions,
  ): Promise<DecoderStep> {
    const { width } = this.#config;
    const stream = this.#embed(ids, cache?.length ?? 0);
    const own = new Map<number, Float32>();
    const cross = new Map<number, Float32>();
    for (const [n, layer] of this.#layers.entries()) {
      run.signal?.throwIfAborted();
      const query = layer.norms.self.forward(stream) as Float32;
      const attended = await layer.self.forward(
        backend,
        query,
        cache?.layers[n] ?? null,
        captured.weights.has(n),
        run,
      );
      if (attended.weights !== null) own.set(n, attended.weights);
      add(stream, attended.output);
      const given = layer.norms.cross.forward(stream) as Float32;
      const listened = await layer.cross.forward(
        backend,
        given,
        window.memories[n],
        captured.crossWeights.has(n),
        run,
      );
      if (listened.weights !== null) cross.set(n, listened.weights);
      add(stream, listened.output);
      const hidden = await layer.up.forward(backend, layer.norms.feedForward.forward(stream) as Float32, run);
      add(stream, await layer.down.forward(backend, hidden, run));
    }
    const normalized = this.#norm.forward(stream) as Float32;
    const first = rows === 'last' ? ids.length - 1 : 0;
    const part = {
      dtype: 'float32',
      shape: [ids.length - first, width],
      data: normalized.data.slice(first * width),
    } as const;
    return {
      logits: await this.#scores.forward(backend, part as Float32, run),
      weights: own,
      crossWeights: cross,
    };
  }

  #embed(ids: readonly number[], start: number): Float32 {
    const { width, vocabulary, targetPositions } = this.#config;
    const end = start + ids.length;
    if (ids.length === 0 || end > targetPositions) {
      throw new HeedError('ARGUMENT', `the text has ${end} tokens; expected 1 to ${targetPositions}`, {
        remedy: 'shorten the text',
      });
    }
    const data = new Float32Array(ids.length * width);
    ids.forEach((id, n) => {
      if (!Number.isSafeInteger(id) || id < 0 || id >= vocabulary) {
        throw new HeedError('ARGUMENT', `the id ${id} has no row; expected 0…${vocabulary - 1}`, {
          remedy: 'check the tokenizer',
        });
      }
      decodeRow(this.#words, id, data.subarray(n * width, (n + 1) * width));
      for (let e = 0; e < width; e++) data[n * width + e] += this.#positions[(start + n) * width + e];
    });
    return { dtype: 'float32', shape: [1, ids.length, width], data };
  }
}

async function loadLayer(config: WhisperConfig, prefix: string, reader: WeightReader): Promise<Layer> {
  const { width, activation, decoder } = config;
  const under = (name: string): Promise<StateDict> => reader.under(`${prefix}${name}.`);
  const [up, down] = [await under('fc1'), await under('fc2')];
  checkWeight(`${prefix}fc1.weight`, up['weight'], [decoder.hiddenDim, width]);
  checkWeight(`${prefix}fc1.bias`, up['bias'], [decoder.hiddenDim]);
  checkWeight(`${prefix}fc2.weight`, down['weight'], [width, decoder.hiddenDim]);
  checkWeight(`${prefix}fc2.bias`, down['bias'], [width]);
  return {
    self: new SelfAttention(width, decoder.heads, await under('self_attn')),
    cross: new CrossAttention(width, decoder.heads, await under('encoder_attn')),
    up: new Projection(up, activation),
    down: new Projection(down),
    norms: {
      self: normOf(width, await under('self_attn_layer_norm')),
      cross: normOf(width, await under('encoder_attn_layer_norm')),
      feedForward: normOf(width, await under('final_layer_norm')),
    },
  };
}

function normOf(width: number, stateDict: StateDict): LayerNorm {
  const norm = new LayerNorm({ embedDim: width, epsilon: EPSILON });
  norm.loadStateDict(stateDict);
  return norm;
}

function add(into: Float32, { data }: { readonly data: ArrayLike<number> }): void {
  for (let n = 0; n < data.length; n++) into.data[n] += data[n];
}
