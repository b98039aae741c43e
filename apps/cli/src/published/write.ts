import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { machineFacts } from '@heed/benchmarks';
import { CONTRACT_VERSION } from '@heed/core';
import { badge } from './badge.ts';
import { markdown } from './markdown.ts';
import type { Circumstances, PublishedReport } from './published-report.ts';

/** Returns the fields that reports of this run have in common. */
export function circumstances(
  clauses: readonly string[],
  ids: readonly string[],
  ownCases: boolean,
): Circumstances {
  const { cpu, cores, os, node } = machineFacts();
  return {
    date: new Date().toISOString(),
    suite: {
      contract: CONTRACT_VERSION,
      conformance: versionOf('@heed/conformance'),
      core: versionOf('@heed/core'),
      clauses: clauses.length === 0 ? null : clauses,
      cases: ids.length === 0 ? null : ids,
      ownCases,
    },
    machine: { cpu, cores, os, node },
  };
}

function versionOf(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
}

/**
 * Writes reports to a folder: for each backend NAME.json, NAME.md and NAME.svg.
 *
 * @returns the paths of the files.
 */
export function writeReports(folder: string, reports: readonly PublishedReport[]): string[] {
  const taken = new Set<string>();
  return reports.flatMap((report) => {
    const name = fileName(report.backend.name, taken);
    const contents = [
      ['json', `${JSON.stringify(report, null, 2)}\n`],
      ['md', markdown(report)],
      ['svg', badge(report)],
    ] as const;
    return contents.map(([extension, text]) => {
      const file = path.join(folder, `${name}.${extension}`);
      writeFileSync(file, text);
      return file;
    });
  });
}

/** Makes a file name of a backend's own name: it must not lead out of the folder, or overwrite another report. */
function fileName(name: string, taken: Set<string>): string {
  const base = name.replaceAll(/[^\w-]+/g, '-').slice(0, 60) || 'backend';
  let free = base;
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${base}-${n}`;
  taken.add(free.toLowerCase());
  return free;
}
