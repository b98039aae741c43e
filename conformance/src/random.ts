/** Random numbers that are the same on every machine: the state is an integer, and no `Math.log` is involved. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** An integer, 0 ≤ n < limit. */
  below(limit: number): number;
  /** Bell-shaped, mean 0, variance 1, never beyond ±4.25. */
  normal(): number;
}

/** Random numbers from a seed: a text (the id of a case) or an integer. Mulberry32. */
export function randomFrom(seed: string | number): Random {
  let state = typeof seed === 'number' ? seed >>> 0 : hash(seed);
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) * 2 ** -32;
  };
  return {
    uniform,
    below: (limit) => Math.floor(uniform() * limit),
    normal() {
      let sum = -3;
      for (let n = 0; n < 6; n++) sum += uniform();
      return sum * Math.SQRT2;
    },
  };
}

/** Numbers that take no time, for tensors of which only the shape matters. */
export const CONSTANT: Random = { uniform: () => 0.5, below: () => 0, normal: () => 0 };

/** FNV-1a: a stable 32-bit number for a text. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x01000193);
  return value >>> 0;
}
