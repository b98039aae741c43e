import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { tfjsPeer } from '../tfjs/tfjs-peer.ts';
import type { Peer } from '../peer.ts';

/** TensorFlow.js in plain JavaScript. */
const peer: Peer = tfjsPeer('cpu', () => import('@tensorflow/tfjs-backend-cpu'));
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));
