import { PhiloxRow } from './philox.ts';

/** `gumbelNoise` of `@heed/core/backend`, bit-identical, for the keys of one query row. */
export class GumbelRow {
  private readonly words: PhiloxRow;

  constructor(seed: number) {
    this.words = new PhiloxRow(seed >>> 0, Math.floor(seed / 0x100000000) >>> 0);
  }

  /** Selects query row `index` of a head and a batch. */
  moveTo(batch: number, head: number, index: number): void {
    this.words.moveTo(batch, head, index);
  }

  /** The noise of key j. */
  noise(j: number): number {
    const u = ((this.words.word(j) >>> 9) + 0.5) * 2 ** -23;
    return -Math.log(-Math.log(u));
  }
}
