import type { ClauseReport } from '@heed/conformance';
import { FEATURES, GUARANTEES } from '@heed/core';
import { plain } from '../output/plain.ts';
import { type PublishedReport, verdict } from './published-report.ts';

/** Renders the report as Markdown. Text from a backend stays text in it. */
export function markdown(report: PublishedReport): string {
  const { backend, suite, machine, summary } = report;
  const from =
    backend.package === null ? '' : ` (${text(`${backend.package} ${backend.version ?? ''}`.trim())})`;
  const only = [...(suite.clauses ?? []), ...(suite.cases ?? [])];
  const partial = only.length === 0 ? '' : ` Only ${only.map(text).join(', ')}.`;
  return (
    [
      `# ${text(backend.name)}${from}`,
      `**${verdict(report)}**: ${summary.refused} refused as not declared, ${summary.notGuaranteed} not guaranteed.` +
        `${partial}${suite.ownCases ? ' Cases of its own, not the suite.' : ''}`,
      ...(report.error === null ? [] : [`It ended early: ${text(report.error.message)}`]),
      [
        `- device: ${text(backend.device ?? 'unknown')}`,
        `- suite: @heed/conformance ${suite.conformance}, contract ${suite.contract}`,
        `- machine: ${text(machine.cpu)}, ${machine.cores} cores, ${text(machine.os)}, Node ${machine.node}`,
        `- date: ${report.date}`,
      ].join('\n'),
      ...capabilityLines(report),
      ['| clause | passed | failed | refused | worst error / bound |', '| --- | --: | --: | --: | --: |']
        .concat(report.clauses.map(row))
        .join('\n'),
      ...failures(report),
      ...knownFailures(report),
    ].join('\n\n') + '\n'
  );
}

function capabilityLines({ backend: { capabilities } }: PublishedReport): string[] {
  if (capabilities === null) return [];
  const { dtypes, features, guarantees } = capabilities;
  const missing = [...FEATURES, ...GUARANTEES].filter(
    (name) =>
      !(features as readonly string[]).includes(name) && !(guarantees as readonly string[]).includes(name),
  );
  const list = (names: readonly string[]): string =>
    names.length === 0 ? 'none' : names.map(text).join(', ');
  return [
    [
      `- computes in: ${list(dtypes)}`,
      `- features: ${list(features)}`,
      `- guarantees: ${list(guarantees)}`,
      `- not declared: ${list(missing)}`,
    ].join('\n'),
  ];
}

function row({ clause, passed, failed, refused, worst }: ClauseReport): string {
  const ratio =
    worst === null ? '' : worst.error === null ? 'not finite' : (worst.error / worst.bound).toFixed(3);
  return `| ${text(clause)} | ${passed} | ${failed} | ${refused} | ${ratio} |`;
}

function failures({ clauses }: PublishedReport): string[] {
  const lines = clauses.flatMap((clause) =>
    clause.failures.map(
      ({ id, purpose, message }) =>
        `- ${text(id)}: ${text(message)}${purpose === null ? '' : ` (${text(purpose)})`}`,
    ),
  );
  return lines.length === 0 ? [] : ['## Failures', lines.join('\n')];
}

/** Cases on the backend's list of expected failures, by reason. */
function knownFailures({ clauses }: PublishedReport): string[] {
  const byReason = new Map<string, string[]>();
  for (const { id, reason } of clauses.flatMap(({ cases }) => cases)) {
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  }
  const lines = [...byReason].map(
    ([reason, ids]) =>
      `- ${text(reason)} ${ids.length === 1 ? '' : `${ids.length} cases, such as `}${text(ids[0]!)}`,
  );
  return lines.length === 0 ? [] : ['## Known to fail', lines.join('\n')];
}

/** Escapes foreign text for Markdown and HTML, in one line. */
function text(words: string): string {
  return plain(words)
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]()#!|~>]/g, (character) => `\\${character}`);
}
