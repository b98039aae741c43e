/** Hands out places in a region, one after another, each at a multiple of 64 bytes. */
export class Region {
  private next = 0;

  take(bytes: number): number {
    const at = this.next;
    this.next += Math.ceil(bytes / 64) * 64;
    return at;
  }

  get bytes(): number {
    return this.next;
  }
}
