import { HeedError } from '@heed/core';
import { type SafetensorsFile, openSafetensors } from '@heed/layers';
import { type GGUFFile, openGGUF } from '@heed/models';
import { parseJSON } from './json-file.ts';
import type { Outcome } from './question.ts';
import { outcomeOf } from './engine.ts';

/** Layers of a file whose attention has the same name and the same numbers. */
export interface AttentionGroup {
  /** Name of the attention in the file, with `*` for the number of the layer. */
  readonly name: string;
  readonly layers: number;
  /** Query heads of a layer; null where the file does not say. */
  readonly heads: number | null;
  /** Heads of keys and values of a layer; null where the file does not say. */
  readonly kvHeads: number | null;
  /** Width of a head; null where the file does not say. */
  readonly headDim: number | null;
  /** Width of all query heads of a layer together; null where the file does not say. */
  readonly width: number | null;
}

/** Attention in a model's file, as names, shapes and metadata tell. */
export interface AttentionList {
  readonly file: string;
  /** Name of the architecture, where the file or config.json says it. */
  readonly kind: string | null;
  readonly groups: readonly AttentionGroup[];
}

/** Lists the attention of each weights file among those given; config.json adds what the weights do not say. No weight is read. */
export function listAttention(files: readonly File[]): Promise<Outcome<readonly AttentionList[]>> {
  return outcomeOf(async () => {
    const config = files.find(({ name }) => name === 'config.json');
    const said = config === undefined ? {} : ((await parseJSON(config)) as Numbers);
    const lists: AttentionList[] = [];
    for (const file of files) {
      if (file.name.endsWith('.gguf')) lists.push({ file: file.name, ...ofGGUF(await openGGUF(file)) });
      if (file.name.endsWith('.safetensors')) {
        lists.push({ file: file.name, ...ofSafetensors(await openSafetensors(file), said) });
      }
    }
    return lists;
  });
}

type Numbers = Readonly<Record<string, unknown>>;
type Found = Omit<AttentionList, 'file'>;
type Layer = Omit<AttentionGroup, 'layers'>;

/** Layers of the same numbers become one group. */
function grouped(layers: readonly Layer[]): readonly AttentionGroup[] {
  const groups = new Map<string, AttentionGroup>();
  for (const layer of layers) {
    const key = JSON.stringify(layer);
    groups.set(key, { ...layer, layers: (groups.get(key)?.layers ?? 0) + 1 });
  }
  return [...groups.values()];
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}

/** GGUF's metadata has a number for all layers, or one for each. */
function ofGGUF({ metadata, names, describe }: GGUFFile): Found {
  const architecture = metadata['general.architecture'];
  const kind = typeof architecture === 'string' ? architecture : null;
  const queries = names.flatMap((name) => {
    const [, prefix, layer, fused] = /^(.*blk\.)(\d+)\.attn_(q|qkv)\.weight$/.exec(name) ?? [];
    return layer === undefined ? [] : [{ name, prefix, layer: Number(layer), isFused: fused === 'qkv' }];
  });
  const layers = queries.map(({ name, prefix, layer, isFused }): Layer => {
    const told = (key: string): number | null => {
      const value: unknown = metadata[`${kind}.attention.${key}`];
      return numberOf(typeof value === 'object' ? (value as ArrayLike<unknown>)[layer] : value);
    };
    const heads = told('head_count');
    const width = isFused ? numberOf(metadata[`${kind}.embedding_length`]) : describe(name).shape[0]!;
    const headDim = told('key_length') ?? dividend(width, heads);
    return { name: `${prefix}*.attn`, heads, kvHeads: told('head_count_kv') ?? heads, headDim, width };
  });
  return { kind, groups: grouped(layers) };
}

function dividend(width: number | null, heads: number | null): number | null {
  return width === null || heads === null || width % heads !== 0 ? null : width / heads;
}

/** Names of the projection of queries alone, and of queries, keys and values in one, with those of the keys. */
const ALONE = /^(.*[._])(q_proj|q_lin|to_q|query|q)\.weight$/;
const IN_ONE = /^(.*?)[._]?(query_key_value|qkv_proj|qkv|Wqkv|c_attn|in_proj)(\.|_)weight$/;
const KEYS: Readonly<Record<string, string>> = {
  q_proj: 'k_proj',
  q_lin: 'k_lin',
  to_q: 'to_k',
  query: 'key',
  q: 'k',
};
/** Names of the head count in configurations. */
const HEADS = ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'] as const;

function ofSafetensors(file: SafetensorsFile, config: Numbers): Found {
  const layers = file.names.flatMap((name) => ofTensor(name, file, config) ?? []);
  return {
    kind: typeof config['model_type'] === 'string' ? config['model_type'] : null,
    groups: grouped(layers),
  };
}

function ofTensor(name: string, file: SafetensorsFile, config: Numbers): Layer | null {
  const shapeOf = (other: string): readonly number[] | null =>
    file.names.includes(other) ? file.describe(other).shape : null;
  const { shape } = file.describe(name);
  const [, before, part] = ALONE.exec(name) ?? [];
  if (
    before !== undefined &&
    (part!.length > 1 || /att/i.test(before)) &&
    (part !== 'query' || /att/i.test(before))
  ) {
    const keys = shapeOf(`${before}${KEYS[part!]}.weight`);
    const scope = before.slice(0, -1);
    const norm = shapeOf(`${before}q_norm.weight`)?.[0] ?? null;
    const width = shape[0]!;
    const ofNorm = norm !== null && norm < width ? norm : null;
    const said = headsOf(scope, config) ?? headsOfParts(shapeOf, scope);
    const headDim = ofNorm ?? numberOf(config['head_dim']) ?? dividend(width, said);
    const heads = said ?? dividend(width, headDim);
    return {
      name: starred(scope),
      heads,
      kvHeads: headDim === null || keys === null ? null : dividend(keys[0]!, headDim),
      headDim,
      width,
    };
  }
  const [, scope] = IN_ONE.exec(name) ?? [];
  if (scope === undefined || shape.length !== 2) return null;
  const heads = headsOf(scope, config) ?? headsOfParts(shapeOf, scope);
  const kvHeads = numberOf(config['num_key_value_heads']) ?? heads;
  // Either way round: some files have `[in, 3 · out]`.
  const width = Math.max(...shape) === 3 * Math.min(...shape) ? Math.min(...shape) : null;
  return { name: starred(scope), heads, kvHeads, headDim: dividend(width, heads), width };
}

/** Tensors with a number for each head: sinks, and T5's relative positions. */
function headsOfParts(shapeOf: (name: string) => readonly number[] | null, scope: string): number | null {
  const sinks = shapeOf(`${scope}.sinks`)?.[0];
  return sinks ?? shapeOf(`${scope}.relative_attention_bias.weight`)?.[1] ?? null;
}

function headsOf(scope: string, config: Numbers): number | null {
  const side = /(^|[._])(encoder|decoder)[._]/.exec(scope)?.[2];
  const ofSide = side === undefined ? null : numberOf(config[`${side}_attention_heads`]);
  return ofSide ?? HEADS.map((name) => numberOf(config[name])).find((heads) => heads !== null) ?? null;
}

function starred(scope: string): string {
  return scope.replace(/(^|\.)\d+(?=\.|$)/g, '$1*');
}

/** @throws HeedError `ARGUMENT` for a file that only the page for text runs. */
export function refuseGGUF(files: readonly File[]): void {
  const file = files.find(({ name }) => name.endsWith('.gguf'));
  if (file === undefined) return;
  throw new HeedError('ARGUMENT', `${file.name} is a model that writes`, {
    remedy: 'open it on the page Write',
  });
}
