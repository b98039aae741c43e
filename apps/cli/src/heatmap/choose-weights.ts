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
  if (choice.tensor.length > 0)
    return weights(
      choice.tensor[0]!,
      choice.tensor.map((name) => named(tensors, name)),
    );
  if (requests.size > 0) return chosenCase(requests, choice.case);
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
  throw doubt('tensor', '--tensor NAME', [...tensors.keys()]);
}

function weights(name: string, layers: readonly Tensor[]): Source {
  return { kind: 'weights', name, layers: layers.map((layer) => withFourAxes(layer, name)) };
}

function chosenCase(requests: Contents['requests'], id: string | undefined): Source {
  const name = id ?? (requests.size === 1 ? requests.keys().next().value! : undefined);
  const request = name === undefined ? undefined : requests.get(name);
  if (request === undefined) throw doubt('case', '--case ID', [...requests.keys()]);
  return { kind: 'request', name: name!, request };
}

function named(tensors: Contents['tensors'], name: string): Tensor {
  const found = tensors.get(name);
  if (found === undefined) throw doubt('tensor', '--tensor NAME', [...tensors.keys()]);
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
  return tensor([...Array<number>(4 - shape.length).fill(1), ...shape], data) as Tensor;
}

const MOST_NAMES = 12;

function doubt(what: string, option: string, names: readonly string[]): HeedError {
  const listed = names.slice(0, MOST_NAMES).join(', ');
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const has = names.length === 0 ? `no ${what}` : `${listed}${rest}`;
  return new HeedError('ARGUMENT', `which ${what} is meant? The file has ${has}`, {
    remedy: `choose with ${option}`,
  });
}
