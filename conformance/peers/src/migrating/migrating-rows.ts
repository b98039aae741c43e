import { readFileSync } from 'node:fs';

/** Left cells of the table below each heading of MIGRATING.md. */
export function migratingRows(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(new URL('../../MIGRATING.md', import.meta.url), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const heading = section.slice(0, section.indexOf('\n'));
      const cells = [...section.matchAll(/^\| (.+?) \| .+ \|$/gm)].map(([, cell]) => cell!);
      return [heading, cells.filter((cell) => cell !== 'there' && !/^-+$/.test(cell))] as const;
    }),
  );
}
