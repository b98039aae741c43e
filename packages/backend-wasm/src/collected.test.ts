import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = `
  import { attention, tensor } from '@heed/core';
  const { Memory } = WebAssembly;
  const memories = [];
  WebAssembly.Memory = class extends Memory {
    constructor(options) {
      super(options);
      memories.push(new WeakRef(this));
    }
  };
  const { default: wasm } = await import('${new URL('../dist/index.js', import.meta.url).href}');
  const x = tensor(new Float32Array(64 * 64).fill(0.1), [1, 1, 64, 64]);
  const drop = async (threads) => {
    const backend = await wasm.create({ threads });
    await backend.upload(x);
    await attention(backend, { query: x, key: x, value: x });
  };
  for (let n = 0; n < 100; n++) await drop(1);
  for (let n = 0; n < 10; n++) await drop(2);
  for (let n = 0; n < 100 && memories.some((memory) => memory.deref()); n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  console.log(memories.length >= 110, memories.filter((memory) => memory.deref()).length);
`;

test('backends that are dropped without dispose() leave no memory and no worker that holds one', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', program],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) },
  );
  expect(stdout.trim()).toBe('true 0');
  expect(stderr.match(/HEED_UNDISPOSED/g)).toHaveLength(1);
});
