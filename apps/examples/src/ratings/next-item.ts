import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import {
  Embedding,
  type FloatTensor,
  LayerNorm,
  type NamedTensors,
  TransformerBlock,
  addGradients,
  collectParameters,
  crossEntropy,
  dropout,
} from '@heed/layers';
import { idsOf, plus, zeros } from '../tensors.ts';

export interface NextItemOptions {
  /** The number of ratings of each item. */
  readonly popularity: Float32Array;
  /** The number of items that a prediction looks at. */
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly blocks: number;
  /** False: every item of the history has the same weight. */
  readonly attends: boolean;
  readonly random: () => number;
}

/** A batch to learn from. */
export interface Lesson {
  /** int32 `[B, L]`, −1 for padding at the right. */
  readonly ids: Tensor<'int32'>;
  /** Items that followed each, int32 `[B, L]`, −1 for padding. */
  readonly targets: Tensor<'int32'>;
  /** Items that targets are told apart from, drawn as often as they are rated. */
  readonly others: readonly number[];
  readonly dropout: { readonly probability: number; readonly seed: number };
}

/** Place of the dropout of the first sum; those of the blocks have others. */
const STREAM = 100;

/**
 * Scores every item as the next one of a history: pre-norm blocks of causal self-attention over the embeddings of items and places,
 * whose scores fall with distance, and the product with the items' embeddings (Kang and McAuley, "Self-attentive sequential recommendation", 2018), to which the logarithm of
 * an item's popularity is added: the model learns how far a history departs from it. Without attention it is the same model, block
 * by block, with attention's scores scaled by 0: the mean of the history so far goes where its choice would.
 */
export class NextItem {
  readonly parameters: NamedTensors;
  readonly #items: Embedding;
  readonly #places: Embedding;
  readonly #blocks: readonly TransformerBlock[];
  readonly #norm: LayerNorm;
  readonly #factor: number;
  /** Penalties of distance, one for each head (Press et al., "Train short, test long", 2022); none without attention. */
  readonly #recency: { readonly alibiSlopes?: Tensor<'float32'> };
  readonly #prior: Float32Array;

  constructor({ popularity, length, width, heads, blocks, attends, random }: NextItemOptions) {
    this.#prior = popularity.map(Math.log);
    this.#items = smallEmbedding(popularity.length, width, random);
    this.#places = smallEmbedding(length, width, random);
    const attention = attends ? {} : { scale: 0 };
    const options = {
      embedDim: width,
      heads,
      hiddenDim: width,
      activation: 'relu',
      attention,
      random,
    } as const;
    this.#blocks = Array.from({ length: blocks }, () => new TransformerBlock(options));
    this.#norm = new LayerNorm({ embedDim: width });
    this.#factor = Math.sqrt(width);
    const slopes = Float32Array.from({ length: heads }, (_, head) => 4 ** -(head + 1));
    this.#recency = attends ? { alibiSlopes: tensor(slopes, [heads]) } : {};
    this.parameters = collectParameters({
      items: this.#items,
      places: this.#places,
      blocks: this.#blocks,
      norm: this.#norm,
    });
  }

  /**
   * Scores of all items, `[B, N]`, after the last item of each history, and the last block's weights, `[B, H, L, L]`.
   *
   * @param ids int32 `[B, L]`, −1 for padding at the right.
   */
  async scores(
    backend: AttentionBackend,
    ids: Tensor<'int32'>,
  ): Promise<{ readonly scores: FloatTensor; readonly weights: FloatTensor }> {
    const [batch, length] = ids.shape;
    let stream = this.#input(ids);
    let weights = zeros([0]);
    for (const block of this.#blocks) {
      ({ output: stream, weights } = await block.forward(
        backend,
        { input: stream, causal: true, ...this.#recency },
        { weights: true },
      ));
    }
    const width = stream.shape[2];
    const last = zeros([batch, width]);
    for (let b = 0; b < batch; b++) {
      const own = ids.data.subarray(b * length, (b + 1) * length);
      row(last, b).set(row(stream, b * length + own.findLastIndex((id) => id >= 0)));
    }
    const scores = this.#items.scores(this.#norm.forward(last));
    for (let n = 0; n < scores.data.length; n++) scores.data[n] += this.#prior[n % this.#prior.length];
    return { scores, weights };
  }

  /**
   * The mean loss of what followed, among itself and the other items, and its gradient: sampled softmax, in which the frequency of a
   * sample takes the place of its popularity (Jean et al., "On using very large target vocabulary", 2015, section 3.2).
   */
  async gradient(
    backend: AttentionBackend,
    { ids, targets, others, dropout: dropped }: Lesson,
  ): Promise<{ readonly loss: number; readonly gradients: NamedTensors }> {
    const first = { ...dropped, stream: STREAM };
    let stream = dropout(this.#input(ids), first);
    const passes = [];
    for (const [n, block] of this.#blocks.entries()) {
      const own = { ...dropped, seed: dropped.seed * this.#blocks.length + n };
      const pass = await block.forward(
        backend,
        { input: stream, causal: true, ...this.#recency },
        { gradient: true, dropout: own },
      );
      passes.push(pass);
      stream = pass.output;
    }
    const { loss, dState, items } = this.#loss(this.#norm.forward(stream), targets, others);
    const norm = this.#norm.gradient(stream, dState);
    let d = norm.dInput;
    const blocks: NamedTensors[] = [];
    for (const { gradient } of passes.reverse()) {
      const { dInput, parameters } = await gradient(d);
      blocks.unshift(parameters);
      d = dInput;
    }
    const dInput = dropout(d, first);
    const places = this.#places.gradient(placesOf(ids), dInput);
    const ofItems = addGradients(items, this.#items.gradient(ids, times(dInput, this.#factor)).parameters);
    return { loss, gradients: collectParameters({ items: ofItems, places, blocks, norm }) };
  }

  #input(ids: Tensor<'int32'>): FloatTensor {
    return plus(times(this.#items.forward(ids), this.#factor), this.#places.forward(placesOf(ids)));
  }

  #loss(
    state: FloatTensor,
    targets: Tensor<'int32'>,
    others: readonly number[],
  ): { readonly loss: number; readonly dState: FloatTensor; readonly items: NamedTensors } {
    const { weight } = this.#items.parameters;
    const width = weight.shape[1];
    const rows = targets.data.length;
    // Those that the targets are told apart from, side by side; the target goes in front of them.
    const sample = new Embedding({ count: others.length, embedDim: width, random: () => 0 });
    const sampled = sample.parameters['weight'];
    others.forEach((item, n) => sampled.data.set(row(weight, item), n * width));
    const scores = sample.scores(state);
    const columns = others.length + 1;
    const columnsOf = new Map<number, number[]>();
    others.forEach((item, n) => columnsOf.set(item, [...(columnsOf.get(item) ?? []), n + 1]));
    const logits = zeros([...targets.shape, columns]);
    targets.data.forEach((target, n) => {
      if (target < 0) return;
      logits.data.set(scores.data.subarray(n * others.length, (n + 1) * others.length), n * columns + 1);
      logits.data[n * columns] = product(row(state, n), row(weight, target));
      for (const twin of columnsOf.get(target) ?? []) logits.data[n * columns + twin] = -Infinity;
    });
    const answers = tensor(
      targets.data.map((target) => (target < 0 ? -100 : 0)),
      targets.shape,
    );
    const { loss, dLogits } = crossEntropy(logits, answers);

    const dScores = zeros(scores.shape);
    for (let n = 0; n < rows; n++) {
      dScores.data.set(dLogits.data.subarray(n * columns + 1, (n + 1) * columns), n * others.length);
    }
    const { dInput: dState, parameters } = sample.scoresGradient(state, dScores);
    const items = zeros(weight.shape);
    others.forEach((item, n) => addTimes(row(items, item), row(parameters['weight'], n), 1));
    targets.data.forEach((target, n) => {
      if (target < 0) return;
      const d = dLogits.data[n * columns];
      addTimes(row(dState, n), row(weight, target), d);
      addTimes(row(items, target), row(state, n), d);
    });
    return { loss, dState, items: { weight: items } };
  }
}

/** An embedding whose rows are normally distributed, 0.02 wide, as those of BERT. */
function smallEmbedding(count: number, embedDim: number, random: () => number): Embedding {
  const embedding = new Embedding({ count, embedDim, random });
  const { data } = embedding.parameters['weight'];
  for (let n = 0; n < data.length; n++) data[n] *= 0.02;
  return embedding;
}

function placesOf({ data, shape }: Tensor<'int32'>): Tensor<'int32'> {
  return idsOf(
    data.map((id, n) => (id < 0 ? -1 : n % shape[1])),
    shape,
  );
}

function row({ data, shape }: FloatTensor, n: number): FloatTensor['data'] {
  const width = shape.at(-1)!;
  return data.subarray(n * width, (n + 1) * width);
}

function times(value: FloatTensor, factor: number): FloatTensor {
  return { ...value, data: value.data.map((x: number) => x * factor) };
}

function product(a: FloatTensor['data'], b: FloatTensor['data']): number {
  let sum = 0;
  for (let e = 0; e < a.length; e++) sum += a[e] * b[e];
  return sum;
}

function addTimes(into: FloatTensor['data'], from: FloatTensor['data'], factor: number): void {
  for (let e = 0; e < into.length; e++) into[e] += from[e] * factor;
}
