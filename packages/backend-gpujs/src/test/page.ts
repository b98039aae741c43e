/** Runs in a browser; the test calls what is on `window`. */
import { type Report, allCases, verify } from '@heed/conformance';
import { type Availability, HeedError, type HeedErrorJSON, resolveRequest } from '@heed/core';
import gpujs, { type GpujsOptions, type Mode } from '../index.ts';
import { watchTextures } from './live-objects.ts';
import { providerOf } from './provider-of.ts';
import { runSome, waves } from './run-some.ts';

declare global {
  interface Window {
    /** The suite in one mode, or one case in so many, or some of its clauses. */
    verifyMode?: (mode: Mode, every: number, clauses?: readonly string[]) => Promise<Report>;
    /** Result of the probe. */
    probe?: () => Promise<Availability>;
    /** The device of a backend made with these options, or the error as plain data. */
    deviceOf?: (options: GpujsOptions) => Promise<string | HeedErrorJSON>;
    /** Number of textures after ten runs minus that after two. */
    texturesLeft?: (mode: 'webgl2' | 'webgl') => Promise<number>;
    /** The device of a mode, and the median milliseconds of dense attention, B=1 H=4 D=64. */
    timeMode?: (mode: Mode, length: number, rounds: number) => Promise<{ device: string; time: number }>;
  }
}

// Made once: the expected results are kept with the case.
const cases = allCases();

window.verifyMode = async (mode, every, clauses) => {
  const some = (await cases).filter((_, n) => n % every === 0);
  return verify(providerOf(mode), { cases: some, ...(clauses && { clauses }) });
};

window.probe = () => gpujs.probe();

window.deviceOf = async (options) => {
  try {
    const backend = await gpujs.create(options);
    await backend.dispose();
    return backend.device;
  } catch (error) {
    return HeedError.isInstance(error) ? error.toJSON() : Promise.reject(error as Error);
  }
};

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

window.timeMode = async (mode, length, rounds) => {
  const backend = await providerOf(mode).create();
  const [query, key, value] = [1, 2, 3].map((seed) => waves([1, 4, length, 64], seed));
  const { problem, inputs } = resolveRequest({ query: query!, key: key!, value: value! });
  const kernel = await backend.compile(problem);
  await kernel.run(inputs);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await kernel.run(inputs);
    times.push(performance.now() - start);
  }
  const { device } = backend;
  await backend.dispose();
  return { device, time: times.sort((a, b) => a - b)[rounds >> 1]! };
};
