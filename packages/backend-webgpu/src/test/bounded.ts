import { attention } from '@heed/core';
import { expect } from 'vitest';
import { createBackend } from '../backend.ts';
import { openEngine } from '../platform/engine.ts';
import { ownDevice } from './device.ts';
import { watchBuffers } from './live-buffers.ts';
import { selfAttention } from './requests.ts';

/** Expects that calls of changing lengths leave no buffer, share their pipelines, and that dispose() leaves nothing. */
export async function expectBounded(calls: number): Promise<void> {
  const device = await ownDevice();
  const live = watchBuffers(device);
  const engine = await openEngine({ device });
  const backend = createBackend(engine);
  const run = (length: number): Promise<unknown> => attention(backend, selfAttention(length, 1, 4));
  await run(1);
  const before = live.count;
  // Up and down, from 65 to 242: problems of few rows have pipelines of their own.
  const lengths = Array.from({ length: calls }, (_, n) => 65 + ((7 * n) % 60) * 3);
  await run(lengths[0]!);
  const pipelines = engine.pipelines.size;
  for (const length of lengths) await run(length);
  expect(live.count).toBe(before);
  expect(engine.pipelines.size).toBe(pipelines);
  await backend.dispose();
  expect(live.count).toBe(0);
}
