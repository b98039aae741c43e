/** Law of memory growth: `bytes = constant + factor · N^exponent`. */
export interface GrowthLaw {
  readonly exponent: number;
  readonly constant: number;
}

export interface GrowthPoint {
  readonly length: number;
  readonly bytes: number;
}

/** Bytes of pages that come and go regardless of the computation. */
const NOISE_BYTES = 2 * 2 ** 20;
const RELATIVE_NOISE = 0.05;
const LEAST_POINTS = 4;
/** Least difference between the smallest and the largest value for a fit. */
const LEAST_RANGE = 6 * NOISE_BYTES;

/**
 * Fits the law by weighted least squares: for each exponent from 0 to 3 the best constant and factor, neither of them
 * negative. Null if there is too little data: fewer than four lengths, or hardly any growth.
 */
export function fitGrowth(points: readonly GrowthPoint[]): GrowthLaw | null {
  const bytes = points.map((point) => point.bytes);
  if (points.length < LEAST_POINTS || Math.max(...bytes) - Math.min(...bytes) < LEAST_RANGE) return null;
  let best: (GrowthLaw & { error: number }) | null = null;
  for (let hundredth = 10; hundredth <= 300; hundredth++) {
    const fit = fitLine(points, hundredth / 100);
    if (best === null || fit.error < best.error) best = fit;
  }
  return { exponent: best!.exponent, constant: best!.constant };
}

function fitLine(points: readonly GrowthPoint[], exponent: number): GrowthLaw & { error: number } {
  const largest = Math.max(...points.map(({ length }) => length));
  // Scaled, so that high powers of long lengths stay small.
  const samples = points.map(({ length, bytes }) => ({
    x: (length / largest) ** exponent,
    y: bytes,
    weight: 1 / (NOISE_BYTES + RELATIVE_NOISE * bytes) ** 2,
  }));
  const mean = (of: (sample: (typeof samples)[number]) => number): number =>
    samples.reduce((sum, sample) => sum + sample.weight * of(sample), 0) /
    samples.reduce((sum, { weight }) => sum + weight, 0);
  const meanX = mean(({ x }) => x);
  const meanY = mean(({ y }) => y);
  const slope =
    mean(({ x, y }) => (x - meanX) * (y - meanY)) /
    Math.max(
      Number.MIN_VALUE,
      mean(({ x }) => (x - meanX) ** 2),
    );
  const throughOrigin = meanY - slope * meanX < 0;
  const factor = throughOrigin ? mean(({ x, y }) => x * y) / mean(({ x }) => x * x) : Math.max(0, slope);
  const constant = throughOrigin ? 0 : meanY - factor * meanX;
  const error = mean(({ x, y }) => (y - constant - factor * x) ** 2);
  return { exponent, constant, error };
}
