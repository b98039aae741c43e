import { type ContestantSource, peers, tripleLoop } from '@heed/benchmarks';
import { installedBackends } from '../backends/installed.ts';
import { locate } from '../backends/resolve.ts';

/** A contestant, and the version of its package. */
export interface Candidate extends ContestantSource {
  readonly package: string | null;
  readonly version: string | null;
}

/**
 * Returns the named contestants: backends as in other commands, peers by their names or with hyphens
 * (`triple-loop`). Without names: every installed backend except the reference, and every peer. The baseline is always
 * among them.
 *
 * @throws HeedError `ARGUMENT` for a name that is neither.
 */
export function candidatesFor(names: readonly string[], baseline: string | undefined): Candidate[] {
  const chosen =
    names.length > 0
      ? names.map(candidateNamed)
      : [
          ...installedBackends()
            .filter((name) => name !== 'reference')
            .map(backend),
          ...peers.map(asCandidate),
        ];
  const first = baseline === undefined ? asCandidate(tripleLoop) : candidateNamed(baseline);
  const all = [first, ...chosen];
  return [...new Map(all.map((one) => [one.name, one])).values()];
}

function candidateNamed(name: string): Candidate {
  const peer = peers.find((one) => one.name === name || slug(one.name) === slug(name));
  return peer === undefined ? backend(name) : asCandidate(peer);
}

function backend(name: string): Candidate {
  const { url, package: from, version } = locate(name);
  return { name: fullName(name, from), module: url, package: from, version };
}

/** Name of a backend in results, however it was requested: its package, or the given path. */
function fullName(name: string, from: string | null): string {
  if (name === 'reference') return '@heed/core/reference';
  const short = /^[a-z0-9][a-z0-9-]*$/.test(name);
  return short && from !== null ? from : name;
}

function asCandidate(source: ContestantSource): Candidate {
  return { ...source, package: null, version: null };
}

/** The name of a peer as one word: `@jax-js/jax` is `jax-js-jax`. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '');
}
