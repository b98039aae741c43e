/** Runs in a browser; the test calls what is on `window`. */
import { type Report, allCases, verify } from '@heed/conformance';
import type { Mode } from '../index.ts';
import { watchTextures } from './live-objects.ts';
import { providerOf } from './provider-of.ts';
import { runSome } from './run-some.ts';

declare global {
  interface Window {
    /** The suite in one mode, or some of its topics. */
    verifyMode?: (mode: Mode, topics?: readonly string[]) => Promise<Report>;
    /** How many textures more there are after ten runs than after two. */
    texturesLeft?: (mode: 'webgl2' | 'webgl') => Promise<number>;
  }
}

// Made once: what results are compared with is kept with the case.
const cases = allCases();

window.verifyMode = async (mode, topics) =>
  verify(providerOf(mode), { cases: await cases, ...(topics && { topics }) });

window.texturesLeft = async (mode) => {
  const live = watchTextures(mode === 'webgl2' ? WebGL2RenderingContext : WebGLRenderingContext);
  const backend = await providerOf(mode).create();
  await runSome(backend, 2);
  const before = live.count;
  await runSome(backend, 8);
  const left = live.count - before;
  await backend.dispose();
  return left;
};
