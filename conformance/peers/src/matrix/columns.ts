import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Judged } from './judge-peer.ts';
import { PEER_NAMES } from './peer-names.ts';

const fileOf = (name: string): URL => new URL(`../../columns/${name}.json`, import.meta.url);

/** The columns that were made, in the order of the matrix. */
export function columns(): readonly Judged[] {
  return PEER_NAMES.map(fileOf)
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Judged);
}

/** Keeps a column for the next page. */
export function writeColumn(judged: Judged): void {
  writeFileSync(fileOf(judged.name), `${JSON.stringify(judged, null, 2)}\n`);
}
