import type { AttentionBackend, LinearKernel, LinearProblem, PackedWeights } from '@heed/core';
import type { FloatTensor } from '../tensors.ts';

/** A projection on an engine, in use until its release. */
export interface Projection {
  /** Its kernel and packed weights. */
  readonly ready: Promise<{ readonly kernel: LinearKernel; readonly weights: PackedWeights }>;
  release(): void;
}

/** The parameters of a projection. */
export interface ProjectionParameters {
  readonly weight: FloatTensor;
  readonly bias: FloatTensor | undefined;
  /** Function that the kernel applies to each element. Default: none. */
  readonly activation?: LinearProblem['activation'];
}

/** Weights that are packed once, and freed after they were replaced and no call uses them. */
class Packed implements Projection {
  readonly ready: Projection['ready'];
  readonly fingerprint: Int32Array;
  #uses = 1;

  constructor(ready: Projection['ready'], fingerprint: Int32Array) {
    this.ready = ready;
    this.fingerprint = fingerprint;
  }

  isOf(fingerprint: Int32Array): boolean {
    return this.fingerprint.every((word, n) => word === fingerprint[n]);
  }

  use(): this {
    this.#uses++;
    return this;
  }

  release(): void {
    if (--this.#uses > 0) return;
    this.ready.then(
      ({ weights }) => weights.dispose(),
      () => undefined,
    );
  }
}

/**
 * Projections of a layer on the engines that it was called with: weights are packed once for each, and again after a
 * parameter has changed. They end with the layer or the backend.
 */
export class Projections {
  readonly #engines = new WeakMap<AttentionBackend, Map<string, Packed>>();

  /**
   * Takes the parameters as they are now.
   *
   * @param name tells the projections of a layer apart.
   */
  use(backend: AttentionBackend, name: string, parameters: ProjectionParameters): Projection {
    const engine = this.#engines.get(backend) ?? new Map<string, Packed>();
    this.#engines.set(backend, engine);
    const fingerprint = fingerprintOf(parameters.weight, parameters.bias);
    const before = engine.get(name);
    if (before?.isOf(fingerprint)) return before.use();
    const packed = new Packed(pack(backend, before?.ready, parameters), fingerprint);
    before?.release();
    engine.set(name, packed);
    // The next call retries what failed, such as for lack of memory.
    packed.ready.catch(() => {
      if (engine.get(name) === packed) engine.delete(name);
    });
    return packed.use();
  }
}

async function pack(
  backend: AttentionBackend,
  before: Projection['ready'] | undefined,
  { weight, bias, activation = null }: ProjectionParameters,
): Projection['ready'] {
  // Changes to the parameters while a kernel compiles apply to the next call.
  const given = {
    weight: { ...weight, data: weight.data.slice() },
    ...(bias && { bias: { ...bias, data: bias.data.slice() } }),
  };
  const [outputDim, inputDim] = weight.shape;
  const { dtype } = weight;
  const problem = { inputDim, outputDim, dtype, bias: bias !== undefined, activation };
  const earlier = await before?.catch(() => undefined);
  const kernel = earlier?.kernel ?? (await backend.linear!.compile(problem));
  return { kernel, weights: await kernel.pack(given) };
}

/** Multiplication by an odd number and exclusive or are reversible, so a change in one place always shows. */
const FACTOR = 0x01000193;
const LANES = 8;

/** Hash of all bits of the parameters, eight words: no copy to compare with is kept. */
function fingerprintOf(weight: FloatTensor, bias: FloatTensor | undefined): Int32Array {
  const result = new Int32Array(LANES);
  let [a, b, c, d, e, f, g, h] = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const { data } of bias === undefined ? [weight] : [weight, bias]) {
    const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    const whole = words.length - (words.length % LANES);
    for (let n = 0; n < whole; n += LANES) {
      a = Math.imul(a ^ words[n], FACTOR);
      b = Math.imul(b ^ words[n + 1], FACTOR);
      c = Math.imul(c ^ words[n + 2], FACTOR);
      d = Math.imul(d ^ words[n + 3], FACTOR);
      e = Math.imul(e ^ words[n + 4], FACTOR);
      f = Math.imul(f ^ words[n + 5], FACTOR);
      g = Math.imul(g ^ words[n + 6], FACTOR);
      h = Math.imul(h ^ words[n + 7], FACTOR);
    }
    for (let n = whole; n < words.length; n++) a = Math.imul(a ^ words[n], FACTOR);
  }
  result.set([a, b, c, d, e, f, g, h]);
  return result;
}
