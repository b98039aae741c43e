import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { tfjsPeer } from '../tfjs/tfjs-peer.ts';
import type { Peer } from '../peer.ts';

/** TensorFlow.js on WebAssembly. */
const peer: Peer = tfjsPeer('wasm', () => import('@tensorflow/tfjs-backend-wasm'));
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));
