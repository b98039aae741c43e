import { type Capture, type CaptureName, loadCapture } from '@heed/conformance';
import { type AttentionBackend, type BackendProvider, HeedError, attention, checkContract } from '@heed/core';
import { addContestant, contestants } from './contestants.ts';
import type { Answer, BackendState, Outcome, Question } from './question.ts';

const backends = new Map<string, Promise<AttentionBackend>>();
const captures = new Map<CaptureName | 'own', Promise<Capture>>();

/** Makes a value once, and keeps it; the next call retries one that failed. */
function once<K, T>(kept: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  return made;
}

/** Creates a backend once. */
export function backendOf(id: string): Promise<AttentionBackend> {
  const contestant = contestants.get(id);
  if (contestant === undefined) {
    return Promise.reject(
      new HeedError('ARGUMENT', `unknown backend ${id}`, { remedy: 'choose another one' }),
    );
  }
  return once(backends, id, () => contestant.create());
}

function captureOf(name: CaptureName | 'own'): Promise<Capture> {
  return once(captures, name, () => (name === 'own' ? noModel() : loadCapture(name)));
}

/** Keeps the capture of the reader's own model. */
export function keepCapture(capture: Capture): void {
  captures.set('own', Promise.resolve(capture));
}

function noModel(): Promise<never> {
  return Promise.reject(new HeedError('ARGUMENT', 'no model has run', { remedy: 'choose its files first' }));
}

/** Returns whether a backend runs here, and on which device. */
export async function examine(id: string): Promise<BackendState> {
  const label = contestants.get(id)?.label ?? id;
  try {
    const { device } = await backendOf(id);
    return { id, label, status: 'available', detail: device };
  } catch (error) {
    const { reason, remedy } = toHeedError(error);
    return { id, label, status: 'unavailable', detail: reason, ...(remedy !== undefined && { remedy }) };
  }
}

/** Loads a backend of a third party: the code at that address runs in this worker. */
export async function addFromURL(url: string): Promise<Outcome<BackendState>> {
  return outcomeOf(async () => {
    let module: { readonly default?: BackendProvider };
    try {
      module = (await import(/* @vite-ignore */ url)) as typeof module;
    } catch (cause) {
      throw new HeedError('UNAVAILABLE', `the module does not load: ${(cause as Error).message}`, {
        cause,
        remedy: 'give the https address of an ES module that other sites may load (CORS)',
      });
    }
    const provider = module.default;
    if (typeof provider?.create !== 'function') {
      throw new HeedError('ARGUMENT', 'the default export of the module is not a backend provider', {
        remedy: 'export default { contract: 1, name, probe, create }',
      });
    }
    checkContract(provider);
    return examine(addContestant(provider, url));
  });
}

/** Computes attention of one layer on one sentence. */
export async function ask(question: Question): Promise<Outcome<Answer>> {
  return outcomeOf(async () => {
    const [backend, { tokens, layers }] = await Promise.all([
      backendOf(question.backend),
      captureOf(question.capture),
    ]);
    const layer = layers.find((one) => one.layer === question.layer) ?? layers[0]!;
    const { query, key, value, scale } = layer;
    const { window, temperature, causal, selection, seed } = question;
    const start = performance.now();
    const { weights, output } = await attention(backend, {
      query,
      key,
      value,
      scale: scale / temperature,
      causal,
      window: window === null ? null : { left: window, right: window },
      selection,
      ...(selection === 'sample' && { seed }),
      weights: true,
    });
    const milliseconds = performance.now() - start;
    const [, heads, , headDim] = query.shape as [number, number, number, number];
    return {
      tokens,
      heads,
      headDim,
      scale,
      weights: weights.data,
      output: output.data,
      query: query.data,
      key: key.data,
      value: value.data,
      strong: strongOf(weights.data),
      device: backend.device,
      milliseconds,
    };
  });
}

function strongOf(weights: Float32Array): number {
  return weights.slice().sort()[Math.floor(0.995 * (weights.length - 1))] || 1;
}

export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: toHeedError(error).toJSON() };
  }
}

function toHeedError(error: unknown): HeedError {
  if (HeedError.isInstance(error)) return error;
  return new HeedError('ENGINE', error instanceof Error ? error.message : String(error), { cause: error });
}
