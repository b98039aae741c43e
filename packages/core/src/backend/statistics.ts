/** e⁶⁴ times the sum over a million keys is still well within float32, and so is e⁻⁶⁴. */
const LARGEST_SHIFT = 64;

/**
 * The row sum that belongs to a row maximum after rounding: SPEC.md, clause `statistics`. For engines that compute with
 * more digits than they return.
 *
 * @param rowSum Σ exp(score − exact), 0 in an empty row.
 * @param exact the row maximum that it counts from.
 * @param rounded the row maximum as returned.
 * @returns Σ exp(score − rounded); `rowSum` itself where rounding has moved the maximum by more than 64, as it may from
 *   2³¹ on in float32: that factor would be 0 or infinite.
 */
export function rowSumFrom(rowSum: number, exact: number, rounded: number): number {
  const shift = exact - rounded;
  return Math.abs(shift) <= LARGEST_SHIFT ? rowSum * Math.exp(shift) : rowSum;
}
