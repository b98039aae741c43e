import { expect, test } from 'vitest';
import { createBackend } from '../backends.ts';
import { provisioned } from '../model-files.ts';
import { sideBySide, visionViews } from './views.ts';
import { astronaut, loadVision } from './vision-folder.ts';

test('the model looks at the face of the astronaut; every row of its weights sums to 1', async () => {
  const backend = await createBackend('wasm');
  const { model, head } = await loadVision(backend, provisioned('vit-s-focus'));
  const { layers, saliency, views } = await visionViews(backend, model, head, astronaut());
  expect(layers).toHaveLength(12);
  for (const { data } of layers) {
    for (let row = 0; row < data.length / 257; row += 100) {
      expect(data.subarray(row * 257, (row + 1) * 257).reduce((a, b) => a + b)).toBeCloseTo(1, 4);
    }
  }
  expect(saliency!.data.every((value) => value > 0 && value < 1)).toBe(true);
  expect(views.map(({ values }) => values.length)).toEqual([256, 256, 256]);
  // The face is in the upper half, in the middle.
  const cells = views[2]!.values;
  const best = cells.indexOf(Math.max(...cells));
  expect(Math.floor(best / 16)).toBeLessThan(8);
  expect(Math.abs((best % 16) - 7.5)).toBeLessThan(4);
  const picture = sideBySide('', views);
  expect(picture.match(/<svg/g)).toHaveLength(4);
  await backend.dispose();
}, 300_000);
