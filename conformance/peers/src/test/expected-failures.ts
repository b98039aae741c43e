import { expect, test } from 'vitest';
import { judgePeer, peerCases } from '../matrix/judge-peer.ts';
import { PEER_NAMES } from '../matrix/peer-names.ts';
import { sampleOf } from '../matrix/sample.ts';
import type { Peer } from '../peer.ts';

type PeerName = (typeof PEER_NAMES)[number];

/** Peers that take tens of seconds, where they are installed. */
const SLOW: ReadonlySet<PeerName> = new Set([
  'torch-sdpa',
  'torch-multihead',
  'torch-flex',
  'torch-flex-compiled',
  'keras-multihead',
  'jax',
  'jax-previous',
]);

/** Cheap clauses in which libraries differ most. */
const CLAUSES = new Set(['order', 'empty', 'mask', 'causal', 'softcap']);

/** Runs a part of the suite on each peer and compares what fails with the peer's list. */
export function testExpectedFailures(part: 'test' | 'release'): void {
  test.each(PEER_NAMES.filter((name) => SLOW.has(name) === (part === 'release')))(
    '%s: fails where its list says so, and nowhere else',
    async (name) => {
      const peer = await load(name);
      const availability = await peer.probe();
      if (!availability.available) {
        expect(availability.remedy).toMatch(/install|provision|Node/);
        return;
      }
      const sample = sampleOf(name);
      const cases = (await peerCases()).filter(
        ({ id, clause }) => CLAUSES.has(clause) && (sample?.includes(id) ?? true),
      );
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
