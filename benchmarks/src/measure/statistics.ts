/** The number below which a share of the samples lies, interpolated between neighbors. NaN for no samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

/**
 * Speed relative to a baseline: the median of the ratios of the rounds that both took part in. Noise that lasts for a
 * round hits both and cancels.
 *
 * @param roundsMs the time in each round; `baselineMs` that of the baseline in the same rounds.
 * @returns null when they share no round.
 */
export function speedRatio(roundsMs: readonly number[], baselineMs: readonly number[]): number | null {
  const shared = Math.min(roundsMs.length, baselineMs.length);
  if (shared === 0) return null;
  return median(Array.from({ length: shared }, (_, round) => baselineMs[round]! / roundsMs[round]!));
}
