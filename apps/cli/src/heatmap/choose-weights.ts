import { type AttentionRequest, HeedError, type Tensor, tensor } from '@heed/core';
import type { Contents } from './read-file.ts';

/** What the file has to be drawn: weights as they are, or what they are computed from. */
export type Source =
  | { readonly kind: 'weights'; readonly name: string; readonly layers: readonly Tensor[] }
  | { readonly kind: 'request'; readonly name: string; readonly request: AttentionRequest };

export interface Choice {
  /** Names of tensors; more than one are layers, for rollout. */
  readonly tensor: readonly string[];
  /** The id of a case. */
  readonly case?: string;
}

const QUERY = ['query', 'q', 'queries'];
const KEY = ['key', 'k', 'keys'];
const WEIGHTS = ['weights', 'attention', 'attentions', 'attn', 'attn_weights', 'probs'];

/**
 * What is meant, as long as there is no doubt: the tensors that are named; the only tensor, or the only one that is
 * called weights or attention; queries and keys; the only case.
 *
 * @throws HeedError `ARGUMENT` with what there is to choose from.
 */
export function chooseWeights({ tensors, requests }: Contents, choice: Choice): Source {
  if (choice.case !== undefined) return chosenCase(requests, choice.case);
  if (choice.tensor.length > 0)
    return weights(
      choice.tensor[0]!,
      choice.tensor.map((name) => named(tensors, name)),
    );
  if (requests.size > 0) return chosenCase(requests, onlyCase(requests));
  const find = (names: readonly string[]): string | undefined => {
    const found = [...tensors.keys()].filter((name) => names.includes(name.toLowerCase()));
    return found.length === 1 ? found[0] : undefined;
  };
  const name = tensors.size === 1 ? tensors.keys().next().value : find(WEIGHTS);
  if (name !== undefined) return weights(name, [tensors.get(name)!]);
  const [query, key] = [find(QUERY), find(KEY)];
  if (query !== undefined && key !== undefined) {
    const [q, k] = [withFourAxes(tensors.get(query)!, query), withFourAxes(tensors.get(key)!, key)];
    return { kind: 'request', name: `${query} and ${key}`, request: { query: q, key: k, value: k } };
  }
  if (tensors.size > 0) throw doubt('which tensor is meant?', TENSOR, [...tensors.keys()]);
  throw new HeedError('ARGUMENT', 'the file holds nothing that can be drawn', {
    remedy: 'give one with weights, with queries and keys, or with a case that is a single call',
  });
}

function weights(name: string, layers: readonly Tensor[]): Source {
  return { kind: 'weights', name, layers: layers.map((layer) => withFourAxes(layer, name)) };
}

function onlyCase(requests: Contents['requests']): string {
  if (requests.size === 1) return requests.keys().next().value!;
  throw doubt('which case is meant?', CASE, [...requests.keys()]);
}

function chosenCase(requests: Contents['requests'], name: string): Source {
  const request = requests.get(name);
  if (request === undefined) throw doubt(`there is no case ${name}.`, CASE, [...requests.keys()]);
  return { kind: 'request', name, request };
}

function named(tensors: Contents['tensors'], name: string): Tensor {
  const found = tensors.get(name);
  if (found === undefined) throw doubt(`there is no tensor ${name}.`, TENSOR, [...tensors.keys()]);
  return found;
}

/** `[L, L]` and `[H, L, L]` have a batch of one. */
function withFourAxes({ shape, data }: Tensor, name: string): Tensor {
  if (shape.length < 2 || shape.length > 4) {
    throw new HeedError(
      'SHAPE',
      `${name} is [${shape.join(', ')}], expected [Lq, Lk], [H, Lq, Lk] or [B, H, Lq, Lk]`,
    );
  }
  return tensor(data, [...Array<number>(4 - shape.length).fill(1), ...shape]) as Tensor;
}

const TENSOR = { what: 'tensor', option: '--tensor' } as const;
const CASE = { what: 'case', option: '--case' } as const;

const MOST_NAMES = 12;

/** Says what there is to choose from. */
function doubt(
  problem: string,
  { what, option }: typeof TENSOR | typeof CASE,
  names: readonly string[],
): HeedError {
  const listed = names.slice(0, MOST_NAMES).join(', ');
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const has = names.length === 0 ? `no ${what}` : `${listed}${rest}`;
  return new HeedError('ARGUMENT', `${problem} The file has ${has}`, {
    remedy: names.length === 0 ? `leave out ${option}` : `choose one of them with ${option}`,
  });
}
