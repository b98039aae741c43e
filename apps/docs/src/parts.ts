/** Where a block is run: before each commit, or before a release. */
export type Part = 'test' | 'release';

/** Programs and commands that run the whole suite or a trained model, or measure for a quarter of a minute. */
const SLOW = [
  /await conformance\([^{}]*\{ describe, test \}\);/,
  /^(npx )?heed demo\b/,
  /^(npx )?heed verify \S+$/,
  /'SmolLM2-135M-Instruct/,
];

/** The part of a program, or of a line of commands. */
export function partOf(code: string): Part {
  return SLOW.some((pattern) => pattern.test(code)) ? 'release' : 'test';
}
