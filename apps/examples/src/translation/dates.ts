/**
 * Dates as people write them and as ISO 8601 does: a small translation that is generated, not collected. Lengths and
 * the order of day, month and year differ, so the model must search for each character of the answer.
 */

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const two = (n: number): string => String(n).padStart(2, '0');

type Style = (year: number, month: number, day: number, weekday: string) => string;

const STYLES: readonly Style[] = [
  (y, m, d) => `${d} ${MONTHS[m]} ${y}`,
  (y, m, d) => `${MONTHS[m]} ${d}, ${y}`,
  (y, m, d, weekday) => `${weekday}, ${d} ${MONTHS[m]} ${y}`,
  (y, m, d) => `${d} ${MONTHS[m].slice(0, 3).toUpperCase()} ${y}`,
  (y, m, d) => `${two(d)}.${two(m + 1)}.${y}`,
  (y, m, d) => `${y}/${m + 1}/${d}`,
];

export interface Pair {
  readonly source: string;
  /** 1987-03-05 */
  readonly target: string;
}

const FIRST = Date.UTC(1950, 0, 1);
const COUNT = 36_524;

/** A date between 1950 and 2049 in a random style. Every tenth day is kept for testing. */
export function randomPair(random: () => number, heldOut: boolean): Pair {
  let number: number;
  do number = Math.floor(random() * COUNT);
  while ((number % 10 === 0) !== heldOut);
  const date = new Date(FIRST + number * 86_400_000);
  const style = STYLES[Math.floor(random() * STYLES.length)];
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return { source: style(year, month, day, DAYS[date.getUTCDay()]), target: date.toISOString().slice(0, 10) };
}

/** Every character that a source may have, in a fixed order. */
export const SOURCE_CHARACTERS: string = [
  ...new Set(
    `${MONTHS.join('')}${MONTHS.map((m) => m.slice(0, 3).toUpperCase()).join('')}${DAYS.join('')}0123456789 ,./`,
  ),
].join('');

export const TARGET_CHARACTERS: string = '0123456789-';
