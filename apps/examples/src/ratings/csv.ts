import { HeedError } from '@heed/core';

/** A user's rating of an item. Only its time is used: that it was rated, not how. */
export interface Rating {
  readonly user: string;
  readonly item: string;
  /** Seconds, or any other number that grows. */
  readonly time: number;
  readonly title: string;
}

/** Names of the columns, as MovieLens and others have them. */
const COLUMNS = {
  user: ['userId', 'user'],
  item: ['movieId', 'itemId', 'item'],
  time: ['timestamp', 'time'],
} as const;

/**
 * Reads ratings from CSV with a header (RFC 4180): a user, an item and a time, such as MovieLens's ratings.csv; `title` where there
 * is one.
 *
 * @throws HeedError `MISSING_INPUT` for a column that is not there, `ARGUMENT` for a line that cannot be read.
 */
export function readRatings(text: string): readonly Rating[] {
  const [header = [], ...lines] = rowsOf(text);
  const place = (what: keyof typeof COLUMNS): number => {
    const found = header.findIndex((name) => (COLUMNS[what] as readonly string[]).includes(name));
    if (found >= 0) return found;
    throw new HeedError(
      'MISSING_INPUT',
      `the columns are ${header.join(', ')}; expected one named ${COLUMNS[what].join(' or ')}`,
      { remedy: 'name the columns in the first line: userId,itemId,timestamp' },
    );
  };
  const [user, item, time, title] = [place('user'), place('item'), place('time'), header.indexOf('title')];
  return lines.map((line, n) => {
    const seconds = Number(line[time]);
    if (line.length !== header.length || line[time] === '' || !Number.isFinite(seconds)) {
      throw new HeedError(
        'ARGUMENT',
        `rating ${n + 1} is ${line.join(',')}; expected ${header.length} columns and a number as time`,
        { remedy: 'mend the line, or leave it out' },
      );
    }
    return { user: line[user], item: line[item], time: seconds, title: line[title] ?? line[item] };
  });
}

/** Lines of CSV, each a list of its fields; quoted ones may hold commas, quotes and line ends. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, separator, quoted, plain] of text.matchAll(/(,|\r?\n|^)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)) {
    if (separator !== ',') rows.push((row = []));
    row.push(quoted?.replaceAll('""', '"') ?? plain);
  }
  return rows.filter((fields) => fields.length > 1 || fields[0] !== '');
}
