import type { AttentionBackend } from '@heed/core';
import { openSafetensors } from '@heed/layers';
import { type Picture, SaliencyHead, VisionTransformer } from '@heed/models';
import { existsSync, openAsBlob, readFileSync } from 'node:fs';
import path from 'node:path';
import { readJSON } from '../model-files.ts';

/** Files of a vision transformer that are read; `head.safetensors` is where there is a saliency head. */
export const VISION_FILES: readonly string[] = ['config.json', 'model.safetensors'];

/** Loads a ViT or DINOv2 from a folder with the files of its page on the hub. */
export async function loadVision(
  backend: AttentionBackend,
  folder: string,
): Promise<{ readonly model: VisionTransformer; readonly head: SaliencyHead | null }> {
  const open = async (name: string): ReturnType<typeof openSafetensors> =>
    openSafetensors(await openAsBlob(path.join(folder, name)));
  const config = await readJSON(folder, 'config.json');
  const model = await VisionTransformer.load(backend, { config, weights: await open('model.safetensors') });
  const hasHead = existsSync(path.join(folder, 'head.safetensors'));
  return { model, head: hasHead ? await SaliencyHead.load(await open('head.safetensors')) : null };
}

/** The astronaut Eileen Collins (NASA, public domain), 224 × 224. */
export function astronaut(): Picture {
  const file = new URL('../../../../packages/models/cases/vision/saliency.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly [{ rgb224: string }] };
  return { width: 224, height: 224, data: new Uint8Array(Buffer.from(cases[0].rgb224, 'base64')) };
}
