/**
 * Discrete Fourier transform of any length, by its prime factors (Cooley and Tukey, 1965): tables once, a transform with no
 * allocation.
 */
export class Fourier {
  readonly length: number;
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  readonly #factors: readonly number[];
  readonly #scratch: Float64Array;

  constructor(length: number) {
    this.length = length;
    const angle = (n: number): number => (-2 * Math.PI * n) / length;
    this.#cosines = Float64Array.from({ length }, (_, n) => Math.cos(angle(n)));
    this.#sines = Float64Array.from({ length }, (_, n) => Math.sin(angle(n)));
    this.#factors = factorsOf(length);
    this.#scratch = new Float64Array(2 * Math.max(...this.#factors, 1));
  }

  /** Transforms real numbers into `real` and `imaginary`, each as long as the input. */
  transform(input: Float64Array, real: Float64Array, imaginary: Float64Array): void {
    this.#part(input, 0, 1, real, imaginary, 0, this.length, 0);
  }

  /** Every `stride`-th number from `from` on, `length` of them, into `to`…. */
  #part(
    input: Float64Array,
    from: number,
    stride: number,
    real: Float64Array,
    imaginary: Float64Array,
    to: number,
    length: number,
    depth: number,
  ): void {
    if (length === 1) {
      real[to] = input[from];
      imaginary[to] = 0;
      return;
    }
    const radix = this.#factors[depth];
    const inner = length / radix;
    for (let r = 0; r < radix; r++) {
      this.#part(input, from + r * stride, stride * radix, real, imaginary, to + r * inner, inner, depth + 1);
    }
    const scratch = this.#scratch;
    for (let k = 0; k < inner; k++) {
      for (let r = 0; r < radix; r++) {
        const at = to + r * inner + k;
        const turn = (r * k * stride) % this.length;
        const [cos, sin] = [this.#cosines[turn], this.#sines[turn]];
        scratch[2 * r] = real[at] * cos - imaginary[at] * sin;
        scratch[2 * r + 1] = real[at] * sin + imaginary[at] * cos;
      }
      for (let q = 0; q < radix; q++) {
        let [re, im] = [scratch[0], scratch[1]];
        for (let r = 1; r < radix; r++) {
          const turn = (q * r * inner * stride) % this.length;
          const [cos, sin] = [this.#cosines[turn], this.#sines[turn]];
          re += scratch[2 * r] * cos - scratch[2 * r + 1] * sin;
          im += scratch[2 * r] * sin + scratch[2 * r + 1] * cos;
        }
        real[to + q * inner + k] = re;
        imaginary[to + q * inner + k] = im;
      }
    }
  }
}

function factorsOf(length: number): number[] {
  const factors: number[] = [];
  let rest = length;
  for (let factor = 2; rest > 1; factor++) {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  }
  return factors;
}
