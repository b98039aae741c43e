/** Turns of a stage: `radix` parts of `length / radix` numbers, with `stride` interleaved transforms. */
interface Stage {
  readonly radix: number;
  readonly length: number;
  readonly stride: number;
}

/**
 * Discrete Fourier transform of complex numbers, any length, by its prime factors and 4: Stockham's order, which needs no sorting
 * (Cochran et al., "What is the fast Fourier transform?", 1967). Tables once; a transform allocates nothing.
 */
export class Fourier {
  readonly length: number;
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  readonly #stages: readonly Stage[];
  /** Real and imaginary parts between two stages. */
  readonly #between: readonly [Float64Array, Float64Array];
  /** The numbers of one small transform. */
  readonly #parts: Float64Array;

  constructor(length: number) {
    this.length = length;
    const angle = (n: number): number => (-2 * Math.PI * n) / length;
    this.#cosines = Float64Array.from({ length }, (_, n) => Math.cos(angle(n)));
    this.#sines = Float64Array.from({ length }, (_, n) => Math.sin(angle(n)));
    const stages: Stage[] = [];
    let stride = 1;
    for (const radix of factorsOf(length)) {
      stages.push({ radix, length: length / stride, stride });
      stride *= radix;
    }
    this.#stages = stages;
    this.#between = [new Float64Array(length), new Float64Array(length)];
    this.#parts = new Float64Array(2 * Math.max(1, ...stages.map(({ radix }) => radix)));
  }

  /** Transforms in place. */
  transform(real: Float64Array, imaginary: Float64Array): void {
    let [re, im, re2, im2] = [real, imaginary, ...this.#between];
    for (const stage of this.#stages) {
      if (stage.radix === 4) this.#byFour(stage, re, im, re2, im2);
      else this.#byAny(stage, re, im, re2, im2);
      [re, im, re2, im2] = [re2, im2, re, im];
    }
    if (re === real) return;
    real.set(re);
    imaginary.set(im);
  }

  #byFour(
    { length, stride }: Stage,
    re: Float64Array,
    im: Float64Array,
    re2: Float64Array,
    im2: Float64Array,
  ): void {
    const [cosines, sines] = [this.#cosines, this.#sines];
    const quarter = (length / 4) * stride;
    for (let q = 0; q < quarter; q += stride) {
      const [c1, s1, c2, s2] = [cosines[q], sines[q], cosines[2 * q], sines[2 * q]];
      const [c3, s3] = [cosines[3 * q], sines[3 * q]];
      for (let from = q, to = 4 * q; from < q + stride; from++, to++) {
        const [b, c, d] = [from + quarter, from + 2 * quarter, from + 3 * quarter];
        const [sumRe, sumIm] = [re[from] + re[c], im[from] + im[c]];
        const [difRe, difIm] = [re[from] - re[c], im[from] - im[c]];
        const [sumRe2, sumIm2] = [re[b] + re[d], im[b] + im[d]];
        // Times −i.
        const [difRe2, difIm2] = [im[b] - im[d], re[d] - re[b]];
        re2[to] = sumRe + sumRe2;
        im2[to] = sumIm + sumIm2;
        const [re1, im1] = [difRe + difRe2, difIm + difIm2];
        re2[to + stride] = re1 * c1 - im1 * s1;
        im2[to + stride] = re1 * s1 + im1 * c1;
        const [re3, im3] = [sumRe - sumRe2, sumIm - sumIm2];
        re2[to + 2 * stride] = re3 * c2 - im3 * s2;
        im2[to + 2 * stride] = re3 * s2 + im3 * c2;
        const [re4, im4] = [difRe - difRe2, difIm - difIm2];
        re2[to + 3 * stride] = re4 * c3 - im4 * s3;
        im2[to + 3 * stride] = re4 * s3 + im4 * c3;
      }
    }
  }

  #byAny(
    { radix, length, stride }: Stage,
    re: Float64Array,
    im: Float64Array,
    re2: Float64Array,
    im2: Float64Array,
  ): void {
    const [cosines, sines, parts] = [this.#cosines, this.#sines, this.#parts];
    const part = (length / radix) * stride;
    // A turn by 1 / radix in the table.
    const root = this.length / radix;
    for (let q = 0; q < part; q += stride) {
      for (let from = q, to = radix * q; from < q + stride; from++, to++) {
        for (let j = 0; j < radix; j++) {
          parts[2 * j] = re[from + j * part];
          parts[2 * j + 1] = im[from + j * part];
        }
        for (let t = 0; t < radix; t++) {
          let [sumRe, sumIm] = [parts[0], parts[1]];
          for (let j = 1, turn = t; j < radix; j++, turn = (turn + t) % radix) {
            const [cos, sin] = [cosines[turn * root], sines[turn * root]];
            sumRe += parts[2 * j] * cos - parts[2 * j + 1] * sin;
            sumIm += parts[2 * j] * sin + parts[2 * j + 1] * cos;
          }
          const [cos, sin] = [cosines[q * t], sines[q * t]];
          re2[to + t * stride] = sumRe * cos - sumIm * sin;
          im2[to + t * stride] = sumRe * sin + sumIm * cos;
        }
      }
    }
  }
}

/** Fours, then prime factors. */
function factorsOf(length: number): number[] {
  const factors: number[] = [];
  let rest = length;
  for (; rest % 4 === 0; rest /= 4) factors.push(4);
  for (let factor = 2; rest > 1; factor++) {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  }
  return factors;
}
