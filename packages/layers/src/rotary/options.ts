import { HeedError } from '@heed/core';
import { checkOptions, flag, listOf, oneOf, required, shown } from '@heed/core/backend';
import { count, finite, notNegative, positive } from '../options.ts';

/** Rotary position embedding of queries and keys (Su et al., "RoFormer", 2021, section 3.2.2). */
export interface RotaryOptions {
  /** θ of the frequencies θ^(−2n / dim). Default 10000. */
  readonly base?: number | undefined;
  /** Number of rotated elements of a head, from its first; even. Default: the whole head. */
  readonly dim?: number | undefined;
  /**
   * Numbers that make a pair: neighbors (2n, 2n + 1), as in the paper and GPT-J, or halves (n, n + dim / 2), as in
   * GPT-NeoX and Llama. Default false: halves.
   */
  readonly interleaved?: boolean | undefined;
  /** Scaled frequencies for texts longer than those of training. Default: none. */
  readonly scaling?: RotaryScaling | undefined;
  /** dim / 2 frequencies, in radians for each position, instead of base and scaling: LongRoPE, for example. */
  readonly frequencies?: readonly number[] | undefined;
  /** Factor of the rotated numbers. Default 1, or YaRN's. */
  readonly factor?: number | undefined;
}

/**
 * `linear`: every frequency divided by `factor` (Chen et al., "Position interpolation", 2023). `ntk`: a base of
 * θ · factor^(dim / (dim − 2)) (bloc97, "NTK-aware scaled RoPE", 2023). `dynamic`: the same, with a factor that follows from the
 * length of each call (`rope_type: 'dynamic'` of transformers). `yarn`: Peng et al., "YaRN", 2023. `llama3`: that of Llama 3.1.
 */
export type RotaryScaling =
  | { readonly kind: 'linear' | 'ntk'; readonly factor: number }
  | {
      readonly kind: 'dynamic';
      readonly factor: number;
      /** Positions up to which nothing changes: those of training. */
      readonly trainedLength: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly trainedLength: number;
      /** Turns within the trained length from which a frequency stays. Default 32. */
      readonly betaFast?: number | undefined;
      /** Turns below which it is divided by the factor. Default 1. */
      readonly betaSlow?: number | undefined;
      /** DeepSeek's factor: (0.1 · mscale · ln factor + 1) / (0.1 · mscaleAllDim · ln factor + 1). */
      readonly mscale?: number | undefined;
      readonly mscaleAllDim?: number | undefined;
      /** The range between the two betas begins and ends at whole frequencies. Default true; gpt-oss: false. */
      readonly truncate?: boolean | undefined;
    }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly trainedLength: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
    };

const KINDS = {
  linear: {},
  ntk: {},
  dynamic: { trainedLength: required(count) },
  yarn: {
    trainedLength: required(count),
    betaFast: positive,
    betaSlow: positive,
    mscale: notNegative,
    mscaleAllDim: notNegative,
    truncate: flag,
  },
  llama3: {
    trainedLength: required(count),
    lowFrequencyFactor: required(positive),
    highFrequencyFactor: required(positive),
  },
} as const;

/** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkRotary(rotary: RotaryOptions, headDim: number): void {
  checkOptions('rotary', rotary, {
    base: positive,
    dim: count,
    interleaved: flag,
    scaling: true,
    frequencies: listOf(finite),
    factor: positive,
  });
  const { dim = headDim, scaling, frequencies } = rotary;
  if (dim % 2 !== 0 || dim > headDim) {
    throw new HeedError('ARGUMENT', `rotary.dim is ${dim}; expected an even number up to D=${headDim}`, {
      remedy: 'set rotary.dim, or choose an even headDim',
    });
  }
  if (scaling !== undefined) checkScaling(scaling);
  if (frequencies !== undefined && frequencies.length !== dim / 2) {
    throw new HeedError(
      'ARGUMENT',
      `rotary.frequencies has ${frequencies.length} numbers; expected dim / 2 = ${dim / 2}`,
      { remedy: 'give a frequency for each pair, or set rotary.dim' },
    );
  }
}

function checkScaling(scaling: RotaryScaling): void {
  const kind = (scaling as { kind?: unknown } | null)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) {
    throw new HeedError(
      'ARGUMENT',
      `rotary.scaling is ${shown(kind ?? scaling)}; expected an object whose kind is one of ${Object.keys(KINDS).join(', ')}`,
      { remedy: "set it as { kind: 'linear', factor: 2 }, or give frequencies" },
    );
  }
  checkOptions<object>('rotary.scaling', scaling, {
    kind: oneOf(kind),
    factor: required(positive),
    ...KINDS[kind as keyof typeof KINDS],
  });
}
