import { expect, test } from 'vitest';
import { judgePeer, peerCases } from '../matrix/judge-peer.ts';
import { PEER_NAMES } from '../matrix/peer-names.ts';
import { sampleOf } from '../matrix/sample.ts';
import type { Peer } from '../peer.ts';

type PeerName = (typeof PEER_NAMES)[number];

/** Peers that take tens of seconds, where they are installed, and one case in how many of a clause is in `release`: some compile each. */
const SLOW: ReadonlyMap<PeerName, number> = new Map([
  ['torch-sdpa', 1],
  ['torch-multihead', 1],
  ['torch-flex', 10],
  ['torch-flex-compiled', 1],
  ['keras-multihead', 3],
  ['jax', 8],
  ['jax-previous', 8],
]);

/** Cheap clauses in which libraries differ most. */
const CLAUSES = new Set(['order', 'empty', 'mask', 'causal', 'softcap']);

/** Peers whose tests are in a part. */
function peersOf(part: 'test' | 'release' | 'whole'): readonly PeerName[] {
  if (part === 'whole') return PEER_NAMES.filter((name) => (SLOW.get(name) ?? 1) > 1);
  return PEER_NAMES.filter((name) => SLOW.has(name) === (part === 'release'));
}

/** Runs a part of the suite on each peer and compares what fails with the peer's list. */
export function testExpectedFailures(part: 'test' | 'release' | 'whole'): void {
  test.each(peersOf(part))(
    '%s: fails where its list says so, and nowhere else',
    async (name) => {
      const peer = await load(name);
      const availability = await peer.probe();
      if (!availability.available) {
        expect(availability.remedy).toMatch(/install|provision|Node/);
        return;
      }
      const sample = sampleOf(name);
      const chosen = (await peerCases()).filter(
        ({ id, clause }) => CLAUSES.has(clause) && (sample?.includes(id) ?? true),
      );
      const every = part === 'whole' ? 1 : (SLOW.get(name) ?? 1);
      const cases = chosen.filter((_, n) => n % every === 0);
      const { cells } = await judgePeer(peer, cases, {
        date: '2026-01-01',
        machine: 'a machine',
        node: '24',
        seconds: 1,
        sample: null,
      });
      expect(cells.flatMap(({ unexpected }) => unexpected)).toEqual([]);
      expect(cells.reduce((sum, { passed }) => sum + passed, 0)).toBeGreaterThan(2);
    },
    600_000,
  );
}

async function load(name: PeerName): Promise<Peer> {
  return ((await import(`../providers/${name}.ts`)) as { default: Peer }).default;
}
