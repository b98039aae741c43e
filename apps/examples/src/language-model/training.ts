import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import { AdamW, type FloatTensor, clipGradients, cosineSchedule, seededRandom } from '@heed/layers';
import { LanguageModel, type LanguageModelOptions } from './language-model.ts';

/** The models that scripts/train_pytorch.py trains as well. */
export const SIZES = {
  small: { vocabulary: 16, length: 12, width: 16, heads: 4, layers: 2, batch: 4 },
  full: { vocabulary: 64, length: 128, width: 256, heads: 4, layers: 4, batch: 16 },
} as const;

export const STEPS = 50;

/** Returns the losses of the first steps of a model whose weights and texts depend only on the size. */
export async function train(
  backend: AttentionBackend,
  size: LanguageModelOptions & { readonly batch: number },
  steps: number,
  onLoss: (step: number, loss: number) => void = () => undefined,
): Promise<number[]> {
  const model = new LanguageModel({ ...size, dtype: 'float64' });
  model.loadStateDict(firstWeights(size));
  const optimizer = new AdamW({
    learningRate: cosineSchedule({ learningRate: 3e-3, warmup: 5, steps: STEPS }),
    weightDecay: (name) => (/norm|Norm|bias$/.test(name) ? 0 : 0.1),
  });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { ids, target } = texts(size, step);
    const { loss, gradients } = await model.gradient(backend, ids, target);
    clipGradients(gradients, 1);
    optimizer.step(model.parameters, gradients);
    losses.push(loss);
    onLoss(step, loss);
  }
  return losses;
}

/** Weights by the names of PyTorch's modules: uniform within ±1 / √in, one random stream, in the order of this list. */
function firstWeights(size: LanguageModelOptions): Record<string, FloatTensor> {
  const { vocabulary, length, width, layers } = size;
  const random = seededRandom(1);
  const uniform = (...shape: number[]): FloatTensor => {
    const limit = 1 / Math.sqrt(shape.at(-1)!);
    const data = Float64Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => limit * (2 * random() - 1),
    );
    return tensor(data, shape);
  };
  const constant = (value: number): FloatTensor => tensor(new Float64Array(width).fill(value), [width]);
  const dict: Record<string, FloatTensor> = {
    'tokens.weight': uniform(vocabulary, width),
    'positions.weight': uniform(length, width),
    'norm.weight': constant(1),
    'norm.bias': constant(0),
  };
  for (let n = 0; n < layers; n++) {
    Object.assign(dict, {
      [`blocks.${n}.self_attn.in_proj_weight`]: uniform(3 * width, width),
      [`blocks.${n}.self_attn.in_proj_bias`]: uniform(3 * width),
      [`blocks.${n}.self_attn.out_proj.weight`]: uniform(width, width),
      [`blocks.${n}.self_attn.out_proj.bias`]: uniform(width),
      [`blocks.${n}.linear1.weight`]: uniform(4 * width, width),
      [`blocks.${n}.linear1.bias`]: uniform(4 * width),
      [`blocks.${n}.linear2.weight`]: uniform(width, 4 * width),
      [`blocks.${n}.linear2.bias`]: uniform(width),
      [`blocks.${n}.norm1.weight`]: constant(1),
      [`blocks.${n}.norm1.bias`]: constant(0),
      [`blocks.${n}.norm2.weight`]: constant(1),
      [`blocks.${n}.norm2.bias`]: constant(0),
    });
  }
  return dict;
}

/** Tokens that follow from the previous one, except one in five, which is random. */
function texts(
  { batch, length, vocabulary }: LanguageModelOptions & { readonly batch: number },
  step: number,
): { readonly ids: Tensor<'int32'>; readonly target: Tensor<'int32'> } {
  const random = seededRandom(1000 + step);
  const ids = new Int32Array(batch * length);
  const target = new Int32Array(batch * length);
  for (let b = 0; b < batch; b++) {
    let token = Math.floor(random() * vocabulary);
    for (let i = 0; i < length; i++) {
      ids[b * length + i] = token;
      token = random() < 0.8 ? (3 * token + 1) % vocabulary : Math.floor(random() * vocabulary);
      target[b * length + i] = token;
    }
  }
  return { ids: tensor(ids, [batch, length]), target: tensor(target, [batch, length]) };
}
