import { writeGGUF } from '../../../../packages/models/dist/test/write-gguf.js';

/** ggml's number of Q4_K, whose blocks of 256 numbers take 144 bytes. */
const [Q4_K, BLOCK, BYTES] = [12, 256, 144];

/** A GGUF file of an architecture that nothing here runs, in a type that nothing here reads: 2 layers, 4 heads of 8 on 2. */
export function unreadGGUF(): Uint8Array {
  const numbers = { block_count: 2, 'attention.head_count': 4, 'attention.head_count_kv': 2 };
  const metadata = Object.fromEntries(
    Object.entries(numbers).map(([key, value]) => [`unheard.${key}`, value]),
  );
  const tensors = [0, 1].map((layer) => ({
    name: `blk.${layer}.attn_q.weight`,
    type: Q4_K,
    shape: [32, BLOCK],
    bytes: new Uint8Array(32 * BYTES),
  }));
  return writeGGUF({ 'general.architecture': 'unheard', ...metadata }, tensors);
}
