import { type Block, type Code, type Locals, type VariablesOf, i32, i64, int } from '@heed/core/wasm';

/**
 * Turns a counter of four words into as many random words: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011, section 3.3), as SPEC.md, clause `selection`, says bit by bit.
 */
export function philox(
  body: Locals,
  [c0, c1, c2, c3]: VariablesOf<'i32', 4>,
  seedLow: Code<'i32'>,
  seedHigh: Code<'i32'>,
): Block {
  const [k0, k1] = body.locals('i32', 2);
  const [first, second] = body.locals('i64', 2);
  const product = (multiplier: number, word: Code<'i32'>): Code<'i64'> =>
    i64.mul(i64.const(BigInt(multiplier)), i64.extendU(word));
  const high = (of: Code<'i64'>): Code<'i32'> => i32.wrap(i64.shrU(of, i64.const(32n)));
  return [
    k0.set(seedLow),
    k1.set(seedHigh),
    Array.from({ length: 10 }, () => [
      first.set(product(0xd2511f53, c0)),
      second.set(product(0xcd9e8d57, c2)),
      c0.set(i32.xor(i32.xor(high(second), c1), k0)),
      c1.set(i32.wrap(second)),
      c2.set(i32.xor(i32.xor(high(first), c3), k1)),
      c3.set(i32.wrap(first)),
      k0.set(i32.add(k0, int(0x9e3779b9))),
      k1.set(i32.add(k1, int(0xbb67ae85))),
    ]),
  ];
}
