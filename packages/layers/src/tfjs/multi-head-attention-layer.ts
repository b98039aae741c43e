import { HeedError, tensor } from '@heed/core';
import { checkOptions, flag, type OptionKind } from '@heed/core/backend';
import type { LayerVariable, Shape, Tensor, Tensor4D, layers, serialization } from '@tensorflow/tfjs';
import { MultiHeadAttention } from '../multi-head-attention/layer.ts';
import type { NamedTensors } from '../parameters.ts';
import type { StateDict } from '../state-dict/copy.ts';
import type { FloatArray } from '../tensors.ts';
import { type TensorFlow, attentionOp } from './attention-op.ts';

/** Configuration of a layer; plain data, which is saved with a model. */
export interface MultiHeadAttentionLayerConfig {
  readonly embedDim: number;
  readonly heads: number;
  /** Default: heads. */
  readonly kvHeads?: number;
  /** Default embedDim / heads. */
  readonly headDim?: number;
  /** Default embedDim. */
  readonly kdim?: number;
  /** Default embedDim. */
  readonly vdim?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Query i attends to keys up to i. Default false. */
  readonly causal?: boolean;
  /** True if the last input is a key mask `[B, Lk]`: not 0 may be attended to. Default false. */
  readonly keyMask?: boolean;
  readonly name?: string;
  /** `[L, E]`, for the first layer of a sequential model. */
  readonly inputShape?: (number | null)[];
}

type BaseConfig = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

const CONFIG_NAMES: Readonly<
  Record<keyof MultiHeadAttentionLayerConfig | keyof BaseConfig | 'customObjects', OptionKind | true>
> = {
  embedDim: true,
  heads: true,
  kvHeads: true,
  headDim: true,
  kdim: true,
  vdim: true,
  bias: true,
  causal: flag,
  keyMask: flag,
  // Options of every layer of TensorFlow.js, some of which a saved model has.
  name: true,
  trainable: true,
  inputShape: true,
  batchInputShape: true,
  batchSize: true,
  dtype: true,
  inputDType: true,
  weights: true,
  // TensorFlow.js adds it to what was saved.
  customObjects: true,
};

/** Arguments with which TensorFlow.js calls a layer besides its inputs. */
export interface CallArguments {
  /** Mask of the query, or of each input, from earlier layers (an embedding's `maskZero`): `[B, L]`, false: padding. */
  readonly mask?: Tensor | readonly (Tensor | null)[] | null;
}

/** A layer of TensorFlow.js, with Heed's parameters. */
export interface MultiHeadAttentionLayer extends layers.Layer {
  build(): void;
  call(inputs: Tensor | Tensor[], kwargs?: CallArguments): Tensor;
  /** The parameters, under the names and in the shapes of {@link MultiHeadAttention}. */
  stateDict(): NamedTensors;
  /**
   * Takes over trained parameters, by any of the names that {@link MultiHeadAttention.loadStateDict} knows.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict, options?: { readonly prefix?: string | undefined }): void;
}

/** Class of {@link MultiHeadAttentionLayer}, registered with TensorFlow.js, so that saved models with the layer load. */
export interface MultiHeadAttentionLayerClass {
  /** The name in saved models. */
  readonly className: string;
  /** @throws HeedError `ARGUMENT`, as {@link MultiHeadAttention} does. */
  new (config: MultiHeadAttentionLayerConfig): MultiHeadAttentionLayer;
  fromConfig: typeof layers.Layer.fromConfig;
}

/**
 * {@link MultiHeadAttention} as a layer of TensorFlow.js: the same parameters under the same names, the same numbers.
 * A model calls it synchronously, so TensorFlow.js computes attention there with its own
 * operations, on the backend that `tf.setBackend` chose.
 *
 * Inputs: query `[B, Lq, E]`; or `[query, key]`; or `[query, key, value]`; and after them the key mask, if the config
 * says so. Output `[B, Lq, E]`.
 *
 * In self-attention the mask that layers before it made, such as an embedding with `maskZero`, is the key mask, besides one
 * that is given; it goes on to later layers. Of several inputs, TensorFlow.js passes on only the mask of the query:
 * where the keys have one, the layer throws `ARGUMENT` instead of attending to padding.
 *
 * @param tf the module that the model is made with: this package imports none by itself.
 * @returns the class, the same for the same `tf`. It is registered there, so that `tf.loadLayersModel` knows it from the
 * first call of this function on.
 *
 * @example
 * ```ts
 * import { multiHeadAttentionLayer } from '@heed/layers/tfjs';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const MultiHeadAttentionLayer = multiHeadAttentionLayer(tf);
 * const input = tf.input({ shape: [10, 16] });
 * const attended = new MultiHeadAttentionLayer({ embedDim: 16, heads: 4, causal: true }).apply(input);
 * const output = tf.layers.dense({ units: 1 }).apply(attended) as tf.SymbolicTensor;
 * const model = tf.model({ inputs: input, outputs: output });
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 * await model.fit(tf.randomNormal([8, 10, 16]), tf.zeros([8, 10, 1]), { verbose: 0 });
 * console.log(model.countParams()); // 1105
 * ```
 */
export function multiHeadAttentionLayer(tf: TensorFlow): MultiHeadAttentionLayerClass {
  const made = classes.get(tf.layers.Layer) ?? newClass(tf);
  classes.set(tf.layers.Layer, made);
  return made;
}

/** Classes by the class that they extend: a module's namespace object may be made more than once. */
const classes = new WeakMap<object, MultiHeadAttentionLayerClass>();

function newClass(tf: TensorFlow): MultiHeadAttentionLayerClass {
  const made = class extends tf.layers.Layer {
    static className = 'HeedMultiHeadAttention';
    readonly #config: MultiHeadAttentionLayerConfig;
    readonly #variables = new Map<string, LayerVariable>();
    /** Masks of the last call's inputs, as far as they are known. */
    #told: readonly (Tensor | null | undefined)[] = [];

    constructor(config: MultiHeadAttentionLayerConfig) {
      checkOptions('MultiHeadAttentionLayer', config, CONFIG_NAMES);
      super(config as BaseConfig);
      this.#config = config;
      this.supportsMasking = true;
      this.#asLayer(() => 0);
    }

    override build(): void {
      for (const [name, { shape, data }] of Object.entries(this.#asLayer(Math.random).parameters)) {
        const variable = this.addWeight(name, [...shape], 'float32', tf.initializers.zeros());
        write(tf, variable, data, shape);
        this.#variables.set(name, variable);
      }
      this.built = true;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      return (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    }

    override computeMask(_: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
      // TensorFlow.js also asks without them, after a call has ended.
      if (mask === undefined) return mask as never;
      const masks = listOf<Tensor | null | undefined>(mask);
      if (this.#config.keyMask) masks.pop();
      for (const [input, own] of masks.entries()) {
        if ((own ?? null) === (this.#told[input] ?? null)) continue;
        const whose = input === 0 ? 'another layer' : 'the query alone';
        throw new HeedError('ARGUMENT', `the layer was given the mask of ${whose}`, {
          clause: 'mask',
          remedy: 'give the mask of the keys as the last input, with keyMask: true',
        });
      }
      return masks[0] as Tensor;
    }

    override call(inputs: Tensor | Tensor[], { mask: inherited }: CallArguments = {}): Tensor {
      return tf.tidy(() => {
        const given = listOf(inputs);
        const keyMask = this.#config.keyMask ? given.pop() : undefined;
        this.#told = listOf<Tensor | null | undefined>(inherited as Tensor | Tensor[]);
        const mask = both(tf, keyMask, this.#told[given.length === 1 ? 0 : 1]);
        const [query, key = query, value = key] = given;
        if (query === undefined || given.length > 3) {
          throw new HeedError(
            'ARGUMENT',
            `the layer got ${given.length} inputs besides a mask; expected 1 to 3`,
            {
              remedy:
                'give query, or [query, key], or [query, key, value], and the key mask with keyMask: true',
            },
          );
        }
        const { heads, kvHeads = heads, causal = false } = this.#config;
        const attended = attentionOp(
          tf,
          this.#project('query', query, heads),
          this.#shared(this.#project('key', key, kvHeads)),
          this.#shared(this.#project('value', value, kvHeads)),
          { causal, ...(mask && { mask: tf.reshape(mask, [mask.shape[0], 1, 1, mask.shape[1]!]) }) },
        );
        const [batch, , length, depth] = attended.shape;
        return this.#linear(
          'output',
          tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [batch, length, heads * depth]),
        );
      });
    }

    override getConfig(): serialization.ConfigDict {
      return { ...super.getConfig(), ...this.#config };
    }

    stateDict(): NamedTensors {
      return Object.fromEntries(
        [...this.#variables].map(([name, variable]) => {
          const { shape } = variable;
          return [name, tensor(variable.read().dataSync() as Float32Array, shape as number[])];
        }),
      );
    }

    loadStateDict(stateDict: StateDict, options: { readonly prefix?: string | undefined } = {}): void {
      const layer = this.#asLayer(() => 0);
      layer.loadStateDict(stateDict, options);
      if (!this.built) this.build();
      for (const [name, { shape, data }] of Object.entries(layer.parameters)) {
        write(tf, this.#variables.get(name)!, data, shape);
      }
    }

    /** The layer that this one stands for: its shapes, its checks, its first weights. */
    #asLayer(random: () => number): MultiHeadAttention {
      const { embedDim, heads, kvHeads, headDim, kdim, vdim, bias } = this.#config;
      const given = Object.entries({ kvHeads, headDim, kdim, vdim, bias }).filter(
        ([, value]) => value !== undefined,
      );
      return new MultiHeadAttention({ embedDim, heads, ...Object.fromEntries(given), random });
    }

    #linear(name: string, x: Tensor): Tensor {
      const [batch, length, width] = x.shape as [number, number, number];
      const weight = this.#variables.get(`${name}.weight`)!.read();
      const rows = tf.matMul(tf.reshape(x, [batch * length, width]), weight, false, true);
      const bias = this.#variables.get(`${name}.bias`)?.read();
      return tf.reshape(bias === undefined ? rows : tf.add(rows, bias), [batch, length, weight.shape[0]!]);
    }

    /** `[B, L, E]` → `[B, H, L, D]`. */
    #project(name: string, x: Tensor, heads: number): Tensor4D {
      const projected = this.#linear(name, x);
      const [batch, length, width] = projected.shape as [number, number, number];
      return tf.transpose(tf.reshape(projected, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    }

    /** A copy of its key or value head for every query head. */
    #shared(x: Tensor4D): Tensor4D {
      const { heads, kvHeads = heads } = this.#config;
      if (heads === kvHeads) return x;
      const from = Array.from({ length: heads }, (_, head) => Math.floor(head / (heads / kvHeads)));
      return tf.gather(x, tf.tensor1d(from, 'int32'), 1);
    }
  };
  tf.serialization.registerClass(made);
  return made;
}

function listOf<T>(values: T | readonly T[] | undefined | null): T[] {
  return Array.isArray(values) ? [...(values as readonly T[])] : [values as T];
}

/** 1 where both masks, as far as they are there, let attend. */
function both(
  tf: TensorFlow,
  given: Tensor | undefined,
  inherited: Tensor | null | undefined,
): Tensor | undefined {
  const masks = [given, inherited].filter((mask) => mask !== undefined && mask !== null);
  const [one, other] = masks.map((mask) => tf.cast(tf.notEqual(tf.cast(mask, 'float32'), 0), 'float32'));
  return other === undefined ? one : tf.mul(one!, other);
}

function write(tf: TensorFlow, variable: LayerVariable, data: FloatArray, shape: readonly number[]): void {
  const value = tf.tensor(data as Float32Array, [...shape]);
  variable.write(value);
  value.dispose();
}
