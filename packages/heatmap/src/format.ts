import { checkNumber } from './options.ts';

/**
 * A value in at most six characters, three digits of a weight: `0.523`, `1.00`, `-12.3`, `4e-9`, `NaN`, `∞`.
 *
 * @throws HeedError `ARGUMENT` for anything but a number.
 */
export function formatValue(value: number): string {
  checkNumber('value', value);
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 0.0005 || magnitude >= 9999.5) return value.toExponential(0).replace('e+', 'e');
  if (magnitude < 0.9995) return value.toFixed(3);
  return value.toFixed(magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0);
}

/**
 * The same for the cells of a grid, where the column of points is read as a whole: `.523`, `.000`, `1.00`. An exact 0, as
 * of a key that may not be attended to, is `·`: it does not look like a small weight.
 *
 * @throws HeedError `ARGUMENT` for anything but a number.
 */
export function formatCell(value: number): string {
  checkNumber('value', value);
  if (value === 0) return '·';
  const magnitude = Math.abs(value);
  if (magnitude < 0.9995) return value.toFixed(3).replace('0.', '.').replace('-.000', '.000');
  return formatValue(value);
}
