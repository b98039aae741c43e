import { attention } from '@heed/core';
import { expect, test } from 'vitest';
import webgpu from './index.ts';
import { ownDevice } from './test/device.ts';
import { waves } from './test/requests.ts';
import { slices } from './test/slices.ts';

slices('release');

const { available } = await webgpu.probe();

test.runIf(available)('a cache of 192 MB on a device that allows 128', async () => {
  await using backend = await webgpu.create({ device: await ownDevice() });
  const long = [1, 3, 2 ** 19, 32];
  const [key, value] = [await backend.allocate('float32', long), await backend.allocate('float32', long)];
  const rows = { key: waves([1, 3, 64, 32], 2), value: waves([1, 3, 64, 32], 3) };
  await key.write(rows.key, { axis: 2, start: 2 ** 19 - 64 });
  await value.write(rows.value, { axis: 2, start: 2 ** 19 - 64 });
  const query = waves([1, 3, 1, 32], 1);
  const far = { query, key, value, keyStarts: [2 ** 19 - 64] };
  const { output } = await attention(backend, far);
  const near = await attention(backend, { query, ...rows });
  output.data.forEach((x, n) => expect(x).toBeCloseTo(near.output.data[n]!, 6));
  key.dispose();
  value.dispose();
});
