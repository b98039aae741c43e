import {
  type Activation,
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
  isResident,
} from '@heed/core';
import { exchangeHeadsAndLength, zeros } from '@heed/core/backend';
import { type FloatTensorLike, LayerNorm, type StateDict, TransformerBlock } from '@heed/layers';
import { NormOnEngine } from '../engine/norm.ts';
import { Projection, disposeAll } from '../engine/projection.ts';
import { putHeads, takeHeads } from '../inside/heads.ts';
import type { Hooks } from '../inside/hooks.ts';
import { Turns } from '../inside/turns.ts';
import { checkEnough } from '../weights/source.ts';

type Float32 = Tensor<'float32'>;

/** Numbers that every layer of an encoder has in common. */
export interface EncoderShape {
  readonly layers: number;
  /** E, the width of a token. */
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
  /** F, the width between the projections of a feed-forward layer. */
  readonly hiddenDim: number;
  /** Added to the variance in the norms. */
  readonly epsilon: number;
  readonly activation: Activation;
  /** True to normalize what goes into a branch, false to normalize the sum behind it. */
  readonly normFirst: boolean;
}

/** A run of an encoder. */
export interface EncoderStep {
  readonly backend: AttentionBackend;
  /** The number of tokens of each text, the rest being padding; undefined where all are tokens. */
  readonly counts: readonly number[] | undefined;
  readonly hooks: Hooks;
  readonly run: RunOptions;
}

const NAMES = ['query', 'key', 'value'] as const;

/** A layer of a trained encoder: attention among all tokens and a feed-forward layer, whose parts can be captured and changed. */
export class EncoderBlock {
  readonly #shape: EncoderShape;
  readonly #layer: number;
  readonly #project: Readonly<Record<'query' | 'key' | 'value' | 'output' | 'up' | 'down', Projection>>;
  readonly #norms: Readonly<Record<'attention' | 'feedForward', LayerNorm>>;
  readonly #normsThere: Readonly<Record<'attention' | 'feedForward', NormOnEngine>>;
  readonly #scales: Readonly<Partial<Record<'attention' | 'feedForward', Float32['data']>>>;

  /**
   * @param stateDict under the names of a block of Whisper, BERT or ViT.
   * @param scales LayerScale's factors of the branches, `[E]` (Touvron et al., "Going deeper with image transformers", 2021).
   * @throws HeedError what loading throws.
   */
  constructor(
    shape: EncoderShape,
    layer: number,
    stateDict: StateDict,
    scales: Readonly<Partial<Record<'attention' | 'feedForward', Tensor>>> = {},
  ) {
    this.#shape = shape;
    this.#layer = layer;
    const { width, heads, hiddenDim, activation, epsilon } = shape;
    checkEnough(`layer ${layer}`, stateDict, 2 * width * hiddenDim);
    // Used for loading, since it knows how each family names projections; its forward pass has no captures.
    const block = new TransformerBlock({ embedDim: width, heads, hiddenDim, random: () => 0 });
    block.loadStateDict(stateDict);
    const under = (prefix: string): StateDict => ({
      weight: block.parameters[`${prefix}.weight`],
      bias: block.parameters[`${prefix}.bias`],
    });
    const normOf = (name: string): LayerNorm => {
      const norm = new LayerNorm({ embedDim: width, epsilon });
      norm.loadStateDict(under(name));
      return norm;
    };
    this.#project = {
      query: new Projection(under('attention.query')),
      key: new Projection(under('attention.key')),
      value: new Projection(under('attention.value')),
      output: new Projection(under('attention.output')),
      up: new Projection(under('feedForward.up'), activation),
      down: new Projection(under('feedForward.down')),
    };
    this.#norms = { attention: normOf('attentionNorm'), feedForward: normOf('feedForwardNorm') };
    const there = ({ parameters: { weight, bias } }: LayerNorm): NormOnEngine =>
      new NormOnEngine({ weight, bias }, epsilon);
    this.#normsThere = {
      attention: there(this.#norms.attention),
      feedForward: there(this.#norms.feedForward),
    };
    this.#scales = {
      ...(scales.attention && { attention: scales.attention.data as Float32['data'] }),
      ...(scales.feedForward && { feedForward: scales.feedForward.data as Float32['data'] }),
    };
  }

  /** Returns whether {@link stay} can take a step: nobody looks into it, and the backend offers all that it needs. */
  staysOn({ backend, hooks }: EncoderStep): boolean {
    const { operations = [], features } = backend.capabilities;
    return (
      !hooks.touches(this.#layer) &&
      Object.keys(this.#scales).length === 0 &&
      backend.linear?.scalar !== true &&
      operations.includes('linear.residual') &&
      operations.includes('norm') &&
      features.includes('layout.blhd')
    );
  }

  /** `[B, L, E]` → `[B, L, E]` in the backend's memory; the caller disposes both. */
  async stay(
    input: ResidentTensor,
    { backend, counts, run }: EncoderStep,
  ): Promise<ResidentTensor<'float32'>> {
    const { heads, headDim, normFirst } = this.#shape;
    const [batch, length] = input.shape as [number, number, number];
    const project = this.#project;
    const norms = this.#normsThere;
    const mine: ResidentTensor[] = [];
    const keep = <T extends ResidentTensor>(tensor: T): T => {
      mine.push(tensor);
      return tensor;
    };
    /** x + f(norm(x)), or norm(x + f(x)). */
    const branch = async (
      norm: NormOnEngine,
      stream: ResidentTensor,
      work: (given: ResidentTensor, residual: ResidentTensor) => Promise<ResidentTensor<'float32'>>,
    ): Promise<ResidentTensor<'float32'>> => {
      if (normFirst) return work(keep(await norm.forward(backend, stream, run)), stream);
      return norm.forward(backend, keep(await work(stream, stream)), run);
    };
    try {
      const between = await branch(norms.attention, input, async (given, residual) => {
        const headsOf = async (name: (typeof NAMES)[number]): Promise<ResidentTensor> =>
          keep(keep(await project[name].onEngine(backend, given, run)).view([batch, length, heads, headDim]));
        // At once: the engine goes from one to the next without waiting for this thread.
        const projections = NAMES.map(headsOf);
        await Promise.allSettled(projections);
        const [query, key, value] = (await Promise.all(projections)) as [
          ResidentTensor,
          ResidentTensor,
          ResidentTensor,
        ];
        const scope = counts === undefined ? {} : { keyLengths: counts };
        const request = { ...scope, query, key, value, layout: 'blhd' } as const;
        const { output } = await attention(backend, request, { ...run, resident: true });
        const joined = keep(keep(output).view([batch, length, heads * headDim]));
        return project.output.onEngine(backend, joined, run, residual);
      });
      return await branch(norms.feedForward, keep(between), async (given, residual) => {
        const hidden = keep(await project.up.onEngine(backend, given, run));
        return project.down.onEngine(backend, hidden, run, residual);
      });
    } finally {
      disposeAll(mine);
    }
  }

  /** `[B, L, E]` → `[B, L, E]`, in the memory of the input. */
  async forward(input: Float32, step: EncoderStep): Promise<Float32> {
    const { hooks } = step;
    const layer = this.#layer;
    let stream = await this.#branch('attention', input, (given) => this.#attend(given, step));
    stream = await this.#branch('feedForward', stream, async (given) => {
      const hidden = await this.#project.up.stay(step.backend, given, step.run);
      let output: Float32;
      try {
        output = await this.#project.down.forward(step.backend, hidden, step.run);
      } finally {
        disposeAll([hidden]);
      }
      for (const { value } of hooks.changesOf(layer, 'feedForward')) output = value!;
      hooks.capture(layer, 'feedForward', () => output, takeHeads);
      return output;
    });
    for (const { value } of hooks.changesOf(layer, 'residual'))
      stream = { ...value!, data: value!.data.slice() };
    hooks.capture(layer, 'residual', () => stream, takeHeads);
    return stream;
  }

  /** x + s · f(norm(x)), or norm(x + s · f(x)). */
  async #branch(
    name: 'attention' | 'feedForward',
    input: Float32,
    branch: (given: Float32) => Promise<Float32>,
  ): Promise<Float32> {
    const norm = (given: FloatTensorLike): Float32 => this.#norms[name].forward(given) as Float32;
    const { normFirst, width } = this.#shape;
    const added = await branch(normFirst ? norm(input) : input);
    const scale = this.#scales[name];
    addTo(input.data, added.data, scale, width);
    return normFirst ? input : norm(input);
  }

  async #attend(input: Float32, step: EncoderStep): Promise<Float32> {
    const { backend, hooks, run, counts } = step;
    const layer = this.#layer;
    const { heads, headDim } = this.#shape;
    const [batch, length] = input.shape as [number, number, number];
    const mine: (Tensor | ResidentTensor)[] = [];
    const keep = <T extends Tensor | ResidentTensor>(tensor: T): T => {
      mine.push(tensor);
      return tensor;
    };
    try {
      const given = backend.linear === undefined ? input : keep(await backend.upload(input));
      const parts = {} as Record<(typeof NAMES)[number], Float32 | ResidentTensor<'float32'>>;
      for (const name of NAMES) {
        const projected = keep(await this.#project[name].stay(backend, given, run));
        const shape = [batch, length, heads, headDim];
        parts[name] = isResident(projected) ? keep(projected.view(shape)) : { ...projected, shape };
      }
      // `[B, H, L, D]` in this process's memory, where a part is asked for or the backend takes no other layout.
      const read = async (name: (typeof NAMES)[number]): Promise<Float32> => {
        const part = parts[name];
        return exchangeHeadsAndLength(isResident(part) ? await part.read() : part) as Float32;
      };
      for (const name of NAMES) {
        const asked = hooks.headsOf(layer, name);
        if (asked.length === 0) continue;
        const whole = await read(name);
        hooks.capture(layer, name, () => takeHeads(whole, asked), takeHeads);
      }
      const scope = counts === undefined ? {} : { keyLengths: counts };
      await this.#captureWeights(step, scope, read);
      const isChanged = ['weights', 'output', 'off'].some(
        (what) => hooks.changesOf(layer, what as 'weights').length > 0,
      );
      const takesThem = backend.capabilities.features.includes('layout.blhd');
      if (
        takesThem &&
        !isChanged &&
        hooks.headsOf(layer, 'output').length === 0 &&
        backend.linear !== undefined
      ) {
        const request = { ...scope, ...parts, layout: 'blhd' } as const;
        const { output } = await attention(backend, request, { ...run, resident: true });
        const joined = keep(keep(output).view([batch, length, heads * headDim]));
        return await this.#project.output.forward(backend, joined, run);
      }
      const request = {
        ...scope,
        query: await read('query'),
        key: await read('key'),
        value: await read('value'),
      };
      const output = (await attention(backend, request, run)).output as Float32;
      this.#changeOutput(output, request.value, hooks);
      const asked = hooks.headsOf(layer, 'output');
      hooks.capture(layer, 'output', () => takeHeads(output, asked), takeHeads);
      const joined = exchangeHeadsAndLength(output) as Float32;
      const plain = { ...joined, shape: [batch, length, heads * headDim] };
      return await this.#project.output.forward(backend, plain, run);
    } finally {
      disposeAll(mine);
    }
  }

  /** Computes weights of the requested heads only: all weights of a long sound are large. */
  async #captureWeights(
    { hooks, backend, run }: EncoderStep,
    scope: object,
    read: (name: 'query' | 'key') => Promise<Float32>,
  ): Promise<void> {
    const asked = hooks.headsOf(this.#layer, 'weights');
    if (asked.length === 0) return;
    const [query, key] = [takeHeads(await read('query'), asked), takeHeads(await read('key'), asked)];
    const request = { ...scope, query, key, value: key, output: false, weights: true } as const;
    const weights = (await attention(backend, request, run)).weights as Float32;
    for (const { heads: changed, value } of hooks.changesOf(this.#layer, 'weights')) {
      changed.forEach((head, n) => {
        if (asked.includes(head)) putHeads(weights, [asked.indexOf(head)], takeHeads(value!, [n]));
      });
    }
    hooks.capture(this.#layer, 'weights', () => weights, takeHeads);
  }

  #changeOutput(output: Float32, values: Float32, hooks: Hooks): void {
    for (const { heads, value } of hooks.changesOf(this.#layer, 'weights')) {
      putHeads(output, heads, weighted(value!, takeHeads(values, heads)));
    }
    for (const { heads, value } of hooks.changesOf(this.#layer, 'output')) putHeads(output, heads, value!);
    const [batch, , length, headDim] = output.shape;
    for (const { heads } of hooks.changesOf(this.#layer, 'off')) {
      putHeads(output, heads, zeros('float32', [batch, heads.length, length, headDim]));
    }
  }
}

/** x += y, or x += s · y, each factor for a place of the width. */
function addTo(
  x: Float32['data'],
  y: Float32['data'],
  scale: Float32['data'] | undefined,
  width: number,
): void {
  if (scale === undefined) {
    for (let n = 0; n < x.length; n++) x[n] += y[n];
    return;
  }
  for (let from = 0; from < x.length; from += width) {
    for (let n = 0; n < width; n++) x[from + n] += scale[n] * y[from + n];
  }
}

/** Weights `[B, n, Lq, Lk]` times values `[B, n, Lk, D]`, summed in float64. */
function weighted(weights: Float32, values: Float32): Float32 {
  const [batch, heads, queries, keys] = weights.shape as [number, number, number, number];
  const headDim = values.shape[3]!;
  const output = zeros('float32', [batch, heads, queries, headDim]);
  const sum = new Float64Array(headDim);
  for (let row = 0; row < batch * heads * queries; row++) {
    sum.fill(0);
    const from = Math.floor(row / queries) * keys * headDim;
    for (let j = 0; j < keys; j++) {
      const weight = weights.data[row * keys + j];
      for (let d = 0; d < headDim; d++) sum[d] += weight * values.data[from + j * headDim + d];
    }
    output.data.set(sum, row * headDim);
  }
  return output;
}

/**
 * Runs the layers of an encoder. Between layers that nobody looks into, the stream stays in the memory of a backend that offers
 * all that they need.
 *
 * @param input disposed after the first layer if it is in the backend's memory.
 * @throws what the backend throws; the signal's reason.
 */
export async function runBlocks(
  blocks: readonly EncoderBlock[],
  input: Float32 | ResidentTensor<'float32'>,
  step: EncoderStep,
): Promise<Float32> {
  const turns = new Turns(step.run.signal);
  let [here, there] = isResident(input) ? [null, input] : [input, null];
  const fetched = async (): Promise<Float32> => {
    if (there === null) return here!;
    const read = await there.read();
    there.dispose();
    there = null;
    return read;
  };
  try {
    for (const block of blocks) {
      await turns.give();
      if (block.staysOn(step)) {
        there ??= await step.backend.upload(here!);
        here = null;
        const before: ResidentTensor<'float32'> = there;
        there = await block.stay(before, step);
        before.dispose();
      } else here = await block.forward(await fetched(), step);
    }
    return await fetched();
  } finally {
    disposeAll([there ?? undefined]);
  }
}
