import type { BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SaliencyHead, VisionTransformer } from '../index.ts';
import { Provisioned } from '../test/provisioned.ts';

interface Case {
  readonly rgb224: string;
  readonly saliency16x16: readonly (readonly number[])[];
  readonly argmax: readonly [row: number, column: number];
  readonly max: number;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../../cases/vision/saliency.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly [Case] };
const SIZE = 224;

test.for(['wasm', 'native'])(
  'ViT-S/14 with a saliency head on %s: that of onnxruntime within 2e-3, its maximum in the same place',
  { timeout: 600_000 },
  async (name, { skip }) => {
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available) skip(!isRequired(), availability.reason);
    const backend = await provider.create();
    const folder = new Provisioned('vit-s-focus');
    const model = await VisionTransformer.load(backend, {
      config: await folder.json('config.json'),
      weights: await folder.weights(),
    });
    const head = await SaliencyHead.load(await folder.weights('head.safetensors'));
    const [{ rgb224, saliency16x16, argmax, max }] = cases;
    const data = new Uint8Array(Buffer.from(rgb224, 'base64'));
    const seen = await model.run({ width: SIZE, height: SIZE, data });
    const saliency = await head.run(backend, seen, [SIZE, SIZE]);
    saliency16x16.forEach((row, r) =>
      row.forEach((expected, c) => {
        let sum = 0;
        for (let n = 0; n < 196; n++)
          sum += saliency.data[(r * 14 + Math.floor(n / 14)) * SIZE + c * 14 + (n % 14)];
        expect(Math.abs(sum / 196 - expected)).toBeLessThan(2e-3);
      }),
    );
    let best = 0;
    saliency.data.forEach((value, n) => (best = value > saliency.data[best] ? n : best));
    expect(Math.abs(Math.floor(best / SIZE) - argmax[0])).toBeLessThanOrEqual(2);
    expect(Math.abs((best % SIZE) - argmax[1])).toBeLessThanOrEqual(2);
    expect(Math.abs(saliency.data[best] - max)).toBeLessThan(2e-3);
    await backend.dispose();
  },
);
