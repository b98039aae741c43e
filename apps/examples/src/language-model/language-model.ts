import { type AttentionBackend, type ComputeDType, type Tensor } from '@heed/core';
import {
  Embedding,
  LayerNorm,
  type NamedTensors,
  type StateDict,
  TransformerBlock,
  addGradients,
  collectParameters,
  crossEntropy,
} from '@heed/layers';
import { idsOf, plus } from '../tensors.ts';

export interface LanguageModelOptions {
  /** The number of tokens that there are. */
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly dtype?: ComputeDType;
}

/** A small GPT: pre-norm blocks, learned positions, and an output that is tied to the embedding of the tokens. */
export class LanguageModel {
  readonly parameters: NamedTensors;
  readonly #tokens: Embedding;
  readonly #positions: Embedding;
  readonly #blocks: readonly TransformerBlock[];
  readonly #norm: LayerNorm;

  constructor({ vocabulary, length, width, heads, layers, dtype = 'float32' }: LanguageModelOptions) {
    this.#tokens = new Embedding({ count: vocabulary, embedDim: width, dtype });
    this.#positions = new Embedding({ count: length, embedDim: width, dtype });
    this.#blocks = Array.from(
      { length: layers },
      () => new TransformerBlock({ embedDim: width, heads, dtype }),
    );
    this.#norm = new LayerNorm({ embedDim: width, dtype });
    this.parameters = collectParameters({
      tokens: this.#tokens,
      positions: this.#positions,
      blocks: this.#blocks,
      norm: this.#norm,
    });
  }

  /** The mean loss of the tokens that follow, and its gradient. */
  async gradient(
    backend: AttentionBackend,
    ids: Tensor<'int32'>,
    target: Tensor<'int32'>,
  ): Promise<{ readonly loss: number; readonly gradients: NamedTensors }> {
    const [batch, length] = ids.shape;
    const places = idsOf(
      Array.from({ length: batch * length }, (_, n) => n % length),
      [batch, length],
    );
    let input = plus(this.#tokens.forward(ids), this.#positions.forward(places));
    const passes = [];
    for (const block of this.#blocks) {
      const pass = await block.forward(backend, { input, causal: true }, { gradient: true });
      passes.push(pass);
      input = pass.output;
    }
    const normal = this.#norm.forward(input);
    const { loss, dLogits } = crossEntropy(this.#tokens.scores(normal), target);

    const scores = this.#tokens.scoresGradient(normal, dLogits);
    const norm = this.#norm.gradient(input, scores.dInput);
    let d = norm.dInput;
    const blocks: NamedTensors[] = [];
    for (const { gradient } of passes.reverse()) {
      const { dInput, parameters } = await gradient(d);
      blocks.unshift(parameters);
      d = dInput;
    }
    const tokens = addGradients(scores.parameters, this.#tokens.gradient(ids, d).parameters);
    const positions = this.#positions.gradient(places, d);
    return { loss, gradients: collectParameters({ tokens, positions, blocks, norm }) };
  }

  /** @param stateDict blocks as those of `torch.nn.TransformerEncoderLayer`. */
  loadStateDict(stateDict: StateDict): void {
    const { 'tokens.weight': tokens, 'positions.weight': positions, ...rest } = stateDict;
    this.#tokens.loadStateDict({ weight: tokens });
    this.#positions.loadStateDict({ weight: positions });
    this.#blocks.forEach((block, n) => block.loadStateDict(rest, { prefix: `blocks.${n}.` }));
    this.#norm.loadStateDict({ weight: rest['norm.weight'], bias: rest['norm.bias'] });
  }
}
