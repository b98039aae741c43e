import { HeedError, type Tensor } from '@heed/core';
import { checkOptions, integer, listOf, oneOf, required } from '@heed/core/backend';
import { takeHeads } from '../inside/heads.ts';
import type { WhisperConfig } from './config.ts';
import type { DecoderStep } from './decoder.ts';

/**
 * Weights of the decoder to return: `weights` `[1, n, L, L]`, of each token on those before it, or `crossWeights`
 * `[1, n, L, positions]`, of each token on the sound, 20 ms a place.
 */
export interface WhisperCapture {
  readonly layer: number;
  /** Default: all. */
  readonly heads?: readonly number[] | undefined;
  readonly what: 'weights' | 'crossWeights';
}

/** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkCaptures(captures: readonly WhisperCapture[], { decoder }: WhisperConfig): void {
  for (const capture of captures) {
    checkOptions<WhisperCapture>('capture', capture, {
      layer: required(integer(0, decoder.layers - 1)),
      heads: listOf(integer(0, decoder.heads - 1)),
      what: required(oneOf('weights', 'crossWeights')),
    });
    const { heads = [] } = capture;
    if (new Set(heads).size === heads.length) continue;
    throw new HeedError('ARGUMENT', `capture: heads are [${heads.join(', ')}]; expected each head once`, {
      remedy: 'name a head once',
    });
  }
}

/** Layers of which a kind of weights is captured. */
export function layersOf(
  captures: readonly WhisperCapture[],
  what: WhisperCapture['what'],
): ReadonlySet<number> {
  return new Set(captures.filter((capture) => capture.what === what).map(({ layer }) => layer));
}

/** Returns the captures, in the order of the requests. */
export function capturesOf(
  captures: readonly WhisperCapture[],
  step: DecoderStep,
): readonly Tensor<'float32'>[] {
  return captures.map(({ layer, heads, what }) => {
    const whole = step[what].get(layer)!;
    return heads === undefined ? whole : takeHeads(whole, heads);
  });
}
