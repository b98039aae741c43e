import { HeedError } from '@heed/core';
import { median } from '../measure/statistics.ts';
import { growthOf } from './results.ts';
import type { BenchResults } from './schema.ts';

/**
 * Joins results of workloads that were measured in parts, one after another on one machine, into those of one run.
 * Settings and time are those of the first part.
 *
 * @throws HeedError `ARGUMENT` when the parts differ in machine, Node, sources or threads, or have a workload in common.
 */
export function joinResults(parts: readonly BenchResults[]): BenchResults {
  const [first] = parts;
  if (first === undefined) {
    throw new HeedError('ARGUMENT', 'results is empty; expected at least one', {
      remedy: 'give the results of one run, or of several that measured different workloads',
    });
  }
  for (const part of parts) checkPart(part, first);
  const workloads = parts.flatMap((part) => part.workloads).sort((a, b) => a.flops - b.flops);
  const names = workloads.map(({ workload }) => workload.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new HeedError('ARGUMENT', `${twice} is in more than one of the results; expected it in one`, {
      remedy: 'leave out all but one of them, or measure its parts together',
    });
  }
  const rows = names.flatMap((name) =>
    parts.flatMap((part) => part.rows.filter((row) => row.workload === name)),
  );
  const contestants = [...new Set(rows.map(({ contestant }) => contestant))];
  const shapes = workloads.map(({ workload }) => workload);
  return {
    ...first,
    versions: Object.assign({}, ...parts.map(({ versions }) => versions)) as Record<string, string>,
    settings: {
      ...first.settings,
      budgetSeconds: parts.reduce((sum, { settings }) => sum + settings.budgetSeconds, 0),
    },
    stopped: parts.some(({ stopped }) => stopped),
    peak: { ...first.peak, gflops: median(workloads.flatMap(({ peakGflops }) => peakGflops)) },
    workloads,
    rows,
    growth: contestants.map((name) => growthOf(name, rows, shapes)),
  };
}

function checkPart(part: BenchResults, first: BenchResults): void {
  const facts = (of: BenchResults): Record<string, unknown> => ({
    machine: of.machine,
    commit: of.commit,
    threads: of.settings.threads,
    baseline: of.settings.baseline,
  });
  const [own, others] = [facts(part), facts(first)];
  for (const [name, value] of Object.entries(own)) {
    const [a, b] = [JSON.stringify(value), JSON.stringify(others[name])];
    if (a !== b) {
      throw new HeedError('ARGUMENT', `results differ in ${name}: ${a} and ${b}; expected the same`, {
        remedy: 'join results of the same machine, versions and options only',
      });
    }
  }
}
