import type { RotaryOptions, RotaryScaling } from './options.ts';
import { checkRotary } from './options.ts';

/** Result of {@link rotaryFrequencies}. */
export interface RotaryFrequencies {
  /** dim / 2 frequencies, in radians for each position. */
  readonly frequencies: Float64Array;
  /** Factor of the rotated numbers. */
  readonly factor: number;
}

/**
 * The frequencies of a rotary embedding, as the `ROPE_INIT_FUNCTIONS` of transformers compute them.
 *
 * @param options.dim how many numbers of a head are rotated.
 * @param length how many positions there are, which `dynamic` scaling depends on.
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { rotaryFrequencies } from '@heed/layers';
 *
 * const scaling = { kind: 'linear', factor: 4 } as const;
 * console.log(rotaryFrequencies({ dim: 4, base: 100, scaling }).frequencies.join(' ')); // 0.25 0.025
 * ```
 */
export function rotaryFrequencies(
  options: RotaryOptions & { readonly dim: number },
  length: number = 0,
): RotaryFrequencies {
  checkRotary(options, options?.dim);
  return frequenciesOf(options, options.dim, length);
}

/** Computes the same from options that are already checked. */
export function frequenciesOf(
  { base = 10_000, scaling, frequencies, factor }: RotaryOptions,
  dim: number,
  length: number,
): RotaryFrequencies {
  if (frequencies !== undefined) {
    return { frequencies: Float64Array.from(frequencies), factor: factor ?? 1 };
  }
  const plain = (theta: number): Float64Array =>
    Float64Array.from({ length: dim / 2 }, (_, n) => theta ** ((-2 * n) / dim));
  const ofFactor = (scale: number): Float64Array => plain(base * scale ** (dim / (dim - 2)));
  switch (scaling?.kind) {
    case undefined:
      return { frequencies: plain(base), factor: factor ?? 1 };
    case 'linear':
      return { frequencies: plain(base).map((f) => f / scaling.factor), factor: factor ?? 1 };
    case 'ntk':
      return { frequencies: ofFactor(scaling.factor), factor: factor ?? 1 };
    case 'dynamic': {
      const longer = Math.max(length, scaling.trainedLength) / scaling.trainedLength;
      return { frequencies: ofFactor(scaling.factor * longer - (scaling.factor - 1)), factor: factor ?? 1 };
    }
    case 'yarn':
      return { frequencies: yarn(plain(base), base, scaling), factor: factor ?? yarnFactor(scaling) };
    case 'llama3':
      return { frequencies: llama3(plain(base), scaling), factor: factor ?? 1 };
  }
}

type Scaling<Kind> = Extract<RotaryScaling, { readonly kind: Kind }>;

/** Frequencies that turn often are kept, slow ones divided, those in between mixed (YaRN, section 3.2). */
function yarn(plain: Float64Array, base: number, scaling: Scaling<'yarn'>): Float64Array {
  const { factor, trainedLength, betaFast = 32, betaSlow = 1, truncate = true } = scaling;
  const dim = 2 * plain.length;
  /** Index of the frequency that turns this often within the trained length. */
  const indexOf = (turns: number): number =>
    (dim * Math.log(trainedLength / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const [first, last] = [indexOf(betaFast), indexOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, dim - 1);
  const span = low === high ? 0.001 : high - low;
  return plain.map((frequency, n) => {
    const divided = Math.min(1, Math.max(0, (n - low) / span));
    return frequency * (1 - divided) + (frequency / factor) * divided;
  });
}

function yarnFactor({ factor, mscale, mscaleAllDim }: Scaling<'yarn'>): number {
  const scaleBy = (share: number): number => (factor <= 1 ? 1 : 0.1 * share * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? scaleBy(mscale) / scaleBy(mscaleAllDim) : scaleBy(1);
}

/** Frequencies of short wavelengths are kept, of long ones divided, of those in between mixed. */
function llama3(plain: Float64Array, scaling: Scaling<'llama3'>): Float64Array {
  const { factor, trainedLength, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  return plain.map((frequency) => {
    const turns = (trainedLength * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (frequency * (1 - kept)) / factor + frequency * kept;
  });
}
