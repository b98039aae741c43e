/**
 * Words of Philox4x32-10 for the keys of one query row, as `philox4x32` of `@heed/core/backend` has them: a block serves
 * four neighboring keys, and a call for each key would compute it four times. See there for the source.
 */
export class PhiloxRow {
  private readonly words = new Uint32Array(4);
  private counter = -1;
  private batch = 0;
  private head = 0;
  private index = 0;
  private readonly keyLow: number;
  private readonly keyHigh: number;

  constructor(keyLow: number, keyHigh: number) {
    this.keyLow = keyLow;
    this.keyHigh = keyHigh;
  }

  /** Selects query row `index` of a head and a batch. */
  moveTo(batch: number, head: number, index: number): void {
    this.batch = batch;
    this.head = head;
    this.index = index;
    this.counter = -1;
  }

  /** The word of key j. */
  word(j: number): number {
    if (j >>> 2 !== this.counter) this.draw(j >>> 2);
    return this.words[j & 3];
  }

  private draw(counter: number): void {
    let c0 = counter;
    let c1 = this.index;
    let c2 = this.head;
    let c3 = this.batch;
    let k0 = this.keyLow;
    let k1 = this.keyHigh;
    for (let round = 0; round < 10; round++) {
      const high0 = multiplyHigh(0xd2511f53, c0);
      const low0 = Math.imul(0xd2511f53, c0);
      const high1 = multiplyHigh(0xcd9e8d57, c2);
      const low1 = Math.imul(0xcd9e8d57, c2);
      c0 = high1 ^ c1 ^ k0;
      c1 = low1;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    this.counter = counter;
    this.words.set([c0, c1, c2, c3]);
  }
}

/** The upper 32 bits of an unsigned product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}
