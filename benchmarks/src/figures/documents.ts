import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseResults } from '../results/results.ts';
import { picturesOf, tableOf, withTable } from './figures.ts';

const root = new URL('../../../', import.meta.url);

/** Documents with a generated part, and the path of the pictures relative to each. */
const DOCUMENTS = {
  'README.md': 'benchmarks/figures/',
  'benchmarks/README.md': 'figures/',
  'apps/docs/site/performance.md': '../../../benchmarks/figures/',
} as const;

/** Returns every generated file as it should be, by its path: made from the newest committed results. */
export function generatedFiles(): Map<string, string> {
  const folder = new URL('benchmarks/results/', root);
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1)!;
  const results = parseResults(readFileSync(new URL(newest, folder), 'utf8'), newest);
  const pathOf = (name: string): string => fileURLToPath(new URL(name, root));
  const pictures = picturesOf(results).map(
    ({ name, svg }) => [pathOf(`benchmarks/figures/${name}`), svg] as const,
  );
  const documents = Object.entries(DOCUMENTS).map(([name, figures]) => {
    const text = readFileSync(pathOf(name), 'utf8');
    return [pathOf(name), withTable(text, tableOf(results, figures))] as const;
  });
  return new Map([...pictures, ...documents]);
}
