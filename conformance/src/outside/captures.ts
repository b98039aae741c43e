import type { Tensor } from '@heed/core';
import { type EncodedTensor, decodeTensor } from './encoded-tensor.ts';
import { readText } from './read-text.ts';

/** Tensors of one layer of the model, layout `bhld`: H = 12 heads of size D = 32, float32. */
export interface CapturedLayer {
  /** 0 to 5. */
  readonly layer: number;
  /** 1 / √32. */
  readonly scale: number;
  /** `[B, H, L, D]`, as are key, value and output. */
  readonly query: Tensor<'float32'>;
  readonly key: Tensor<'float32'>;
  readonly value: Tensor<'float32'>;
  /** bool `[B, 1, 1, L]`, true = may attend. Only in the batch. */
  readonly mask?: Tensor<'bool'>;
  /** Computed in float64 from query, key and value, rounded once. */
  readonly output: Tensor<'float32'>;
  /** `[B, H, L]`. */
  readonly logSumExp: Tensor<'float32'>;
  /** `[B, H, L, L]`. In every layer except layer 0 of `passage`. */
  readonly weights?: Tensor<'float32'>;
}

/** One text through the model: B = 1. */
export interface Capture {
  readonly text: string;
  /** L of them, `[CLS]` and `[SEP]` included. */
  readonly tokens: readonly string[];
  readonly layers: readonly CapturedLayer[];
}

/** Two texts through the model together, the shorter one padded: B = 2, layer 5. */
export interface BatchCapture {
  readonly texts: readonly string[];
  /** For each text its L tokens, `[PAD]` included. */
  readonly tokens: readonly (readonly string[])[];
  readonly layers: readonly CapturedLayer[];
}

/** y = x Wᵀ + b, as in `torch.nn.Linear`. */
export interface CapturedLinear {
  /** `[out, in]`. */
  readonly weight: Tensor<'float32'>;
  /** `[out]`. */
  readonly bias: Tensor<'float32'>;
}

/** A whole self-attention block with its trained weights: E = 384 = 12 heads of 32; head h has columns 32h … 32h + 31. */
export interface CapturedBlock {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly layer: number;
  readonly heads: number;
  readonly headDim: number;
  readonly scale: number;
  /** `[1, L, E]`. */
  readonly input: Tensor<'float32'>;
  readonly query: CapturedLinear;
  readonly key: CapturedLinear;
  readonly value: CapturedLinear;
  readonly output: CapturedLinear;
  /** `[1, L, E]`: the output projection of the joined heads, before the residual and LayerNorm. */
  readonly expected: Tensor<'float32'>;
}

/** The model as a whole, on five sentences. */
export interface CapturedEmbeddings {
  readonly texts: readonly string[];
  /** Token ids, padded with 0. */
  readonly inputIds: readonly (readonly number[])[];
  /** `[5, 384]`: mean over the tokens, length 1. */
  readonly embedding: Tensor<'float32'>;
  /** `cosine[i][j]` of texts i and j. */
  readonly cosine: readonly (readonly number[])[];
}

/** Name of a sentence whose queries, keys and values come with the suite. */
export type CaptureName = 'bank-river' | 'bank-money' | 'passage';

// Literal addresses: bundlers look for this form, and take the files along.
const FILES = {
  'bank-river': (): URL => new URL('../../cases/minilm/bank-river.json', import.meta.url),
  'bank-money': (): URL => new URL('../../cases/minilm/bank-money.json', import.meta.url),
  passage: (): URL => new URL('../../cases/minilm/passage.json.gz', import.meta.url),
  batch: (): URL => new URL('../../cases/minilm/batch.json', import.meta.url),
  block: (): URL => new URL('../../cases/minilm/layer5-self-attention.json.gz', import.meta.url),
  embeddings: (): URL => new URL('../../cases/minilm/embeddings.json', import.meta.url),
};

/**
 * Queries, keys, values and what attention made of them, captured from a trained sentence model
 * (all-MiniLM-L6-v2; `cases/minilm/README.md`): `{ text, tokens, layers }`, where each layer has `query`, `key`,
 * `value`, `output`, `logSumExp` and mostly `weights`. `bank-river` is "The bank of the river was muddy.",
 * `bank-money` "The bank approved the loan." (layers 0 to 5), `passage` 116 tokens on rivers and money
 * (layers 0 and 5). Reads a file in Node, Deno and Bun, fetches in browsers; each call gives tensors of its own.
 *
 * @example
 * ```ts
 * import { loadCapture } from '@heed/conformance';
 *
 * const { tokens, layers } = await loadCapture('bank-river');
 * const [first] = layers;
 * const length = tokens.length;
 * const row = 4 * length + tokens.indexOf('bank'); // head 4
 * const weights = Array.from(first!.weights!.data.subarray(row * length, (row + 1) * length));
 * console.log(tokens[weights.indexOf(Math.max(...weights))]); // river
 * ```
 */
export async function loadCapture(name: CaptureName): Promise<Capture> {
  const { text, tokens, layers } = await load<AttentionFile>(name);
  return { text, tokens, layers: layers.map(decodeLayer) };
}

/** "The bank of the river was muddy." and "The bank approved the loan." in one batch, with the mask of its padding. */
export async function loadBatchCapture(): Promise<BatchCapture> {
  const { texts, tokens, layers } = await load<BatchFile>('batch');
  return { texts, tokens, layers: layers.map(decodeLayer) };
}

/** Layer 5's self-attention block on "The bank of the river was muddy.": input, trained weights, output. */
export async function loadCapturedBlock(): Promise<CapturedBlock> {
  const { text, tokens, layer, numHeads, headDim, scale, ...file } = await load<BlockFile>('block');
  const linear = ({ weight, bias }: LinearFile): CapturedLinear => ({
    weight: float32(weight),
    bias: float32(bias),
  });
  return {
    text,
    tokens,
    layer,
    heads: numHeads,
    headDim,
    scale,
    input: float32(file.input),
    query: linear(file.query),
    key: linear(file.key),
    value: linear(file.value),
    output: linear(file.output),
    expected: float32(file.expected),
  };
}

/** Token ids, embeddings and cosines of five sentences. */
export async function loadCapturedEmbeddings(): Promise<CapturedEmbeddings> {
  const { texts, inputIds, embedding, cosine } = await load<EmbeddingsFile>('embeddings');
  return { texts, inputIds, embedding: float32(embedding), cosine };
}

interface LayerFile {
  readonly layer: number;
  readonly scale: number;
  readonly q: EncodedTensor;
  readonly k: EncodedTensor;
  readonly v: EncodedTensor;
  readonly mask?: EncodedTensor;
  readonly output: EncodedTensor;
  readonly lse: EncodedTensor;
  readonly weights?: EncodedTensor;
}

interface AttentionFile {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly layers: readonly LayerFile[];
}

interface BatchFile {
  readonly texts: readonly string[];
  readonly tokens: readonly (readonly string[])[];
  readonly layers: readonly LayerFile[];
}

interface LinearFile {
  readonly weight: EncodedTensor;
  readonly bias: EncodedTensor;
}

interface BlockFile extends Record<'query' | 'key' | 'value' | 'output', LinearFile> {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly layer: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly input: EncodedTensor;
  readonly expected: EncodedTensor;
}

interface EmbeddingsFile {
  readonly texts: readonly string[];
  readonly inputIds: readonly (readonly number[])[];
  readonly embedding: EncodedTensor;
  readonly cosine: readonly (readonly number[])[];
}

/** The files are part of the package: their form is trusted, their tensors are checked as they are decoded. */
async function load<File>(name: keyof typeof FILES): Promise<File> {
  return JSON.parse(await readText(FILES[name](), name)) as File;
}

function decodeLayer(file: LayerFile): CapturedLayer {
  return {
    layer: file.layer,
    scale: file.scale,
    query: float32(file.q),
    key: float32(file.k),
    value: float32(file.v),
    ...(file.mask && { mask: decodeTensor(file.mask, 'mask') as Tensor<'bool'> }),
    output: float32(file.output),
    logSumExp: float32(file.lse),
    ...(file.weights && { weights: float32(file.weights) }),
  };
}

function float32(encoded: EncodedTensor): Tensor<'float32'> {
  return decodeTensor(encoded, 'tensor') as Tensor<'float32'>;
}
