import { HeedError } from '@heed/core';
import type { Decoder, DecoderCache, TextTokenizer } from '@heed/models';
import { backendOf, outcomeOf } from './engine.ts';
import { download } from './download.ts';
import { parseJSON } from './json-file.ts';
import type { Outcome } from './question.ts';
import type { DownloadProgress, LanguageModel, Reading } from './reading.ts';

/** Longest text: the weights of all heads of all layers are shown at once. */
const POSITIONS = 96;
const ALTERNATIVES = 10;

interface Opened {
  readonly description: LanguageModel;
  readonly decoder: Decoder;
  readonly tokenizer: TextTokenizer;
}

/** Knowledge of a text on one backend: the cache, and the weights of each of its tokens. */
interface Known {
  readonly backend: string;
  readonly decoder: Decoder;
  readonly cache: DecoderCache;
  ids: readonly number[];
  /** Weights of token i, `[layers · H, i + 1]`. */
  rows: readonly Float32Array[];
}

let opened: Opened | null = null;
let known: Known | null = null;
let pending: { readonly abort: AbortController; readonly end: Promise<unknown> } | null = null;

/** Returns the model that is open, if any. */
export function languageModel(): LanguageModel | null {
  return opened?.description ?? null;
}

/** Fetches a GGUF file from beside the page, unless this browser has kept it, and opens it. */
export async function fetchLanguageModel(
  address: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<Outcome<LanguageModel>> {
  return outcomeOf(async () => open([await download(address, onProgress)]));
}

/** Opens files of the reader's own: a GGUF file, or safetensors with config.json and tokenizer.json. */
export async function openLanguageModel(files: readonly File[]): Promise<Outcome<LanguageModel>> {
  return outcomeOf(async () => open(files));
}

async function open(files: readonly File[]): Promise<LanguageModel> {
  const { Decoder, ggufTokenizer, hubTokenizer, openGGUF } = await import('@heed/models');
  const gguf = files.find(({ name }) => name.endsWith('.gguf'));
  const backend = await backendOf('ts');
  if (gguf !== undefined) {
    const file = await openGGUF(gguf);
    const tokenizer = ggufTokenizer(file);
    const name = file.metadata['general.name'];
    return keep(typeof name === 'string' ? name : gguf.name, await Decoder.load(backend, file), tokenizer);
  }
  const { openSafetensors } = await import('@heed/layers');
  const find = (name: string): File => {
    const file = files.find((one) => one.name.endsWith(name));
    if (file !== undefined) return file;
    throw new HeedError('ARGUMENT', `${name} is missing; expected a GGUF file, or three files of a model`, {
      remedy: 'choose one .gguf file, or model.safetensors, config.json and tokenizer.json together',
    });
  };
  const [weights, config, json] = [find('.safetensors'), find('config.json'), find('tokenizer.json')];
  const settings = files.find(({ name }) => name === 'tokenizer_config.json');
  const tokenizer = hubTokenizer(
    await parseJSON(json),
    settings === undefined ? {} : await parseJSON(settings),
  );
  const decoder = await Decoder.load(backend, {
    config: (await parseJSON(config)) as Record<string, unknown>,
    weights: await openSafetensors(weights),
  });
  return keep(weights.name, decoder, tokenizer);
}

function keep(name: string, decoder: Decoder, tokenizer: TextTokenizer): LanguageModel {
  const { layers, heads, positions } = decoder.config;
  const description = { name, layers, heads, positions: Math.min(positions, POSITIONS) };
  opened = { description, decoder, tokenizer };
  forget();
  return description;
}

function forget(): void {
  known?.cache.dispose();
  known = null;
}

/** Reads a text. One that is not complete yet is given up, since its reader has typed on. */
export async function read(text: string, backend: string): Promise<Outcome<Reading>> {
  const before = pending;
  before?.abort.abort();
  const abort = new AbortController();
  const outcome = (async () => {
    await before?.end;
    return outcomeOf(async () => readNow(text, backend, abort.signal));
  })();
  pending = { abort, end: outcome };
  return outcome;
}

async function readNow(text: string, id: string, signal: AbortSignal): Promise<Reading> {
  if (opened === null) {
    throw new HeedError('ARGUMENT', 'no language model is open', { remedy: 'fetch it, or choose its file' });
  }
  const { generate } = await import('@heed/models');
  const { decoder, tokenizer, description } = opened;
  const ids = tokenizer.encode(text);
  const { positions } = description;
  if (ids.length === 0 || ids.length > positions) {
    throw new HeedError('ARGUMENT', `the text has ${ids.length} tokens; expected 1 to ${positions}`, {
      remedy: ids.length === 0 ? 'write a word' : 'shorten the text',
    });
  }
  const engine = await backendOf(id);
  if (known?.backend !== id) {
    forget();
    const on = decoder.on(engine);
    known = { backend: id, decoder: on, cache: await on.cache({ capacity: positions }), ids: [], rows: [] };
  }
  const start = performance.now();
  const first = commonLength(known.ids, ids);
  known.cache.truncate(first);
  known.ids = ids.slice(0, first);
  known.rows = known.rows.slice(0, first);
  const { layers, heads } = decoder.config;
  const capture = Array.from({ length: layers }, (_, layer) => ({ layer, what: 'weights' }) as const);
  const options = { cache: known.cache, capture, alternatives: ALTERNATIVES, maximum: 1, signal };
  const [step] = await all(generate(known.decoder, tokenizer, ids.slice(first), options));
  const captured = step!.captured.map(({ data }) => data);
  known.rows = [...known.rows, ...rowsOf(captured, heads, ids.length - first, ids.length)];
  known.ids = ids;
  return {
    text,
    tokens: ids.map((token) => tokenizer.decode([token], { special: true })),
    layers,
    heads,
    weights: squares(known.rows, layers * heads),
    next: step!.alternatives.map((one) => ({
      id: one.id,
      text: tokenizer.decode([one.id], { special: true }),
      probability: Math.exp(one.logProbability),
      isEnd: tokenizer.endIds.includes(one.id),
    })),
    computed: ids.length - first,
    device: engine.device,
    milliseconds: performance.now() - start,
  };
}

async function all<T>(steps: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const step of steps) result.push(step);
  return result;
}

/** Number of first tokens that both have; of the new text one at least stays to be read, since it gives what is next. */
function commonLength(before: readonly number[], after: readonly number[]): number {
  const end = Math.min(before.length, after.length - 1);
  let length = 0;
  while (length < end && before[length] === after[length]) length++;
  return length;
}

/** Rows of the last `rows` tokens from the weights of each layer, `[1, H, rows, keys]`. */
function rowsOf(
  captured: readonly Float32Array[],
  heads: number,
  rows: number,
  keys: number,
): Float32Array[] {
  return Array.from({ length: rows }, (_, r) => {
    const width = keys - rows + r + 1;
    const row = new Float32Array(captured.length * heads * width);
    captured.forEach((data, layer) => {
      for (let head = 0; head < heads; head++) {
        const from = (head * rows + r) * keys;
        row.set(data.subarray(from, from + width), (layer * heads + head) * width);
      }
    });
    return row;
  });
}

/** `[layers · H, L, L]` from the rows of each token. */
function squares(rows: readonly Float32Array[], count: number): Float32Array {
  const length = rows.length;
  const result = new Float32Array(count * length * length);
  rows.forEach((row, r) => {
    for (let n = 0; n < count; n++) {
      result.set(row.subarray(n * (r + 1), (n + 1) * (r + 1)), (n * length + r) * length);
    }
  });
  return result;
}
