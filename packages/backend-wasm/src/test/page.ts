/** Runs in a browser; the test calls what is on `window`. */
import { type Report, allCases, verify } from '@heed/conformance';
import wasm, { type WasmOptions } from '../index.ts';
import { COMBINATIONS, providerOf } from './combinations.ts';
import { verdictOf } from './verdict.ts';

declare global {
  interface Window {
    /** The suite with these options, or some of its topics. */
    verifyWasm?: (options: WasmOptions, topics?: readonly string[]) => Promise<Report>;
    /** What a backend made with these options runs on, or the error's code, message and remedy. */
    deviceOf?: (options: WasmOptions) => Promise<string>;
  }
}

// Made once: what results are compared with is kept with the case.
const cases = allCases();

window.verifyWasm = async (options, topics) =>
  verify(providerOf(options), { cases: await cases, ...(topics && { topics }) });

window.deviceOf = async (options) => {
  try {
    const backend = await wasm.create(options);
    await backend.dispose();
    return backend.device;
  } catch (error) {
    return JSON.stringify(error);
  }
};

/** For browsers that nothing drives: every combination that this page allows, sent to where it came from. */
if (location.search === '?send') {
  for (const options of COMBINATIONS) {
    if (options.threads > 1 && !crossOriginIsolated) continue;
    const verdict = await verdictOf(options, await cases);
    await fetch('/verdict', { method: 'POST', body: JSON.stringify(verdict) });
  }
  await fetch('/end', { method: 'POST' });
}
