import { expectedFailuresOf, expectedList } from '../expected/expected-list.ts';
import { readFile } from 'node:fs/promises';
import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type * as jaxjs from '@jax-js/jax';
import { importable } from '../onnx/runtime.ts';
import { type Peer, definePeer } from '../peer.ts';

type Jax = typeof jaxjs;

/** jax-js's `nn.dotProductAttention` on its WebAssembly device. */
const peer: Peer = definePeer({
  name: 'jax-js',
  library: '@jax-js/jax',
  operation: 'nn.dotProductAttention',
  documentation: 'https://www.npmjs.com/package/@jax-js/jax',
  capabilities: {
    dtypes: ['float32'],
    features: [
      'layout.blhd',
      'gqa',
      'mask.boolean',
      'mask.float',
      'causal',
      'window',
      'lengths.key',
      'lengths.query',
    ],
    guarantees: [],
  },
  probe: async () =>
    'map' in [].values()
      ? importable('@jax-js/jax', load)
      : { available: false, reason: 'it needs iterator helpers', remedy: 'run it on Node 22 or newer' },
  async open() {
    const jax = await load();
    return {
      version: await versionOf(),
      attend: (problem, inputs) => attend(jax, problem, inputs),
      close: async () => undefined,
    };
  },
});
export default peer;

export const expectedFailures: Readonly<Record<string, string>> = expectedFailuresOf(expectedList(peer.name));

async function load(): Promise<Jax> {
  // Node has no Worker of its own; the one that onnxruntime-web leaves behind cannot start jax-js's threads.
  if ('process' in globalThis) Reflect.deleteProperty(globalThis, 'Worker');
  const jax = await import('@jax-js/jax');
  const devices = await jax.init('wasm');
  if (!devices.includes('wasm')) throw new Error('it has no wasm device here');
  jax.defaultDevice('wasm');
  return jax;
}

async function attend(
  jax: Jax,
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): Promise<Record<string, Tensor>> {
  const { numpy, nn } = jax;
  const { layout, scale, causal, window, mask, queryLength, keyLength } = problem;
  const swap = (array: jaxjs.Array): jaxjs.Array =>
    layout === 'blhd' ? array : numpy.transpose(array, [0, 2, 1, 3]);
  const array = ({ data, shape, dtype }: Tensor): jaxjs.Array =>
    dtype === 'bool'
      ? numpy.array(Array.from(data, Boolean), { shape: [...shape] } as never)
      : numpy.array(data as Float32Array, { shape: [...shape] });
  const whole = Math.max(queryLength, keyLength);
  const { query, key, value, queryLengths, keyLengths } = inputs;
  const output = nn.dotProductAttention(swap(array(query)), swap(array(key)), swap(array(value)), {
    scale,
    isCausal: causal,
    ...(inputs.mask && { [mask?.kind === 'boolean' ? 'mask' : 'bias']: array(inputs.mask) }),
    ...(queryLengths && { querySeqLengths: array(queryLengths) }),
    ...(keyLengths && { keyValueSeqLengths: array(keyLengths) }),
    ...(window && {
      localWindowSize: [window.left ?? whole, window.right ?? whole] as [number, number],
    }),
  });
  const result = swap(output);
  const { shape } = result;
  return { output: { dtype: 'float32', shape: [...shape], data: (await result.data()) as Float32Array } };
}

/** Read from its package, since it does not export its version. */
async function versionOf(): Promise<string> {
  const manifest = new URL('../package.json', import.meta.resolve('@jax-js/jax'));
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}
