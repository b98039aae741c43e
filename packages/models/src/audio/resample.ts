/** Zeros of the sinc on each side: a longer filter cuts off more sharply. */
const ZEROS = 32;
/** Share of the lower of the two Nyquist frequencies that passes. */
const PASS = 0.95;

/**
 * Samples at another rate: each is the sum of those around it, weighted by a sinc under a Hann window, which cuts off what the
 * lower rate cannot hold (J. O. Smith, "Digital audio resampling", 2002).
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const ratio = to / from;
  const cutoff = PASS * Math.min(1, ratio);
  const reach = ZEROS / cutoff;
  const result = new Float32Array(Math.round(samples.length * ratio));
  for (let n = 0; n < result.length; n++) {
    const center = n / ratio;
    const first = Math.max(0, Math.ceil(center - reach));
    const last = Math.min(samples.length - 1, Math.floor(center + reach));
    let sum = 0;
    for (let i = first; i <= last; i++) sum += samples[i] * tap(i - center, cutoff, reach);
    result[n] = sum;
  }
  return result;
}

function tap(distance: number, cutoff: number, reach: number): number {
  const x = Math.PI * cutoff * distance;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  return cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
}
