/** A type of the format, which keeps numbers in blocks along the last axis. */
export interface BlockType {
  readonly name: string;
  /** Numbers of a block, and its bytes; null for a type that is not read. */
  readonly block: { readonly numbers: number; readonly bytes: number } | null;
}

const READ = {
  0: ['F32', 1, 4],
  1: ['F16', 1, 2],
  2: ['Q4_0', 32, 18],
  3: ['Q4_1', 32, 20],
  8: ['Q8_0', 32, 34],
} as const;

export type ReadType = (typeof READ)[keyof typeof READ][0];

/** Types that are named when they are refused. */
const OTHERS: Readonly<Record<number, string>> = {
  ...{
    6: 'Q5_0',
    7: 'Q5_1',
    9: 'Q8_1',
    10: 'Q2_K',
    11: 'Q3_K',
    12: 'Q4_K',
    13: 'Q5_K',
    14: 'Q6_K',
    15: 'Q8_K',
  },
  ...{ 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S', 20: 'IQ4_NL', 21: 'IQ3_S', 22: 'IQ2_S' },
  ...{ 23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 30: 'BF16' },
  ...{ 34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4' },
};

/** Names of the types that are read. */
export const READ_NAMES: readonly string[] = Object.values(READ).map(([name]) => name);

/** Returns the type of a number in a file; undefined if no version of the format has it. */
export function typeOf(id: number): BlockType | undefined {
  if (Object.hasOwn(READ, id)) {
    const [name, numbers, bytes] = READ[id as keyof typeof READ];
    return { name, block: { numbers, bytes } };
  }
  const name = OTHERS[id];
  return name === undefined ? undefined : { name, block: null };
}
