/** Runs in a browser, in the page or in a worker of it; the test calls what is on `window`. */
import { type Report, allCases, verify } from '@heed/conformance';
import webgpu, { type WebgpuOptions } from '../index.ts';
import { providerOf } from './provider-of.ts';
import { isSlow } from './slow.ts';

declare global {
  interface Window {
    /** The cases of one clause, with these options. */
    verifyClause?: (options: WebgpuOptions, clause: string) => Promise<Report>;
    /** Device of a backend, or the error's code, message and remedy. */
    deviceOf?: (options: WebgpuOptions) => Promise<string>;
    /** The same in a worker of the page. */
    deviceInWorker?: () => Promise<string>;
  }
}

// Made once: each case keeps the results to compare with.
const cases = allCases();

/** Name of the post that ends the reports of a page. */
const END = 'end';

/**
 * Runs these clauses without their slow cases and posts a report for each: for browsers that no driver steers. Whatever goes wrong is
 * posted too.
 */
async function postReports(clauses: readonly string[]): Promise<void> {
  const post = (name: string, body: unknown) =>
    fetch(`/${name}`, { method: 'POST', body: JSON.stringify(body) });
  try {
    const quick = (await cases).filter((one) => !isSlow(one));
    for (const clause of clauses) {
      const report = await verify(webgpu, {
        cases: quick,
        clauses: [clause],
        onProgress: (progress) => void post('progress', progress),
      });
      await post(clause, report);
    }
    await post(END, null);
  } catch (error) {
    await post(END, { error: String(error), ...(error as object) });
  }
}

async function deviceOf(options: WebgpuOptions): Promise<string> {
  try {
    const backend = await webgpu.create(options);
    await backend.dispose();
    return backend.device;
  } catch (error) {
    return JSON.stringify(error);
  }
}

if (globalThis.window === undefined) {
  postMessage(await deviceOf({}));
} else {
  window.verifyClause = async (options, clause) =>
    verify(providerOf(options), { cases: await cases, clauses: [clause] });
  window.deviceOf = deviceOf;
  const clauses = new URLSearchParams(location.search).getAll('clause');
  if (clauses.length > 0) void postReports(clauses);
  window.deviceInWorker = () =>
    new Promise((resolve) => {
      const worker = new Worker('/page.js', { type: 'module' });
      worker.addEventListener('message', ({ data }) => {
        worker.terminate();
        resolve(String(data));
      });
    });
}
