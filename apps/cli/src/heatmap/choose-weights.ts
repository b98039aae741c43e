import { type AttentionRequest, HeedError, type Tensor } from '@heed/core';
import { listed } from '@heed/core/backend';
import type { Contents } from './files/read-file.ts';
import { type Stored, checkIndex } from './files/stored.ts';

/** Source of the weights to draw: weights from the file, or the inputs to compute them from. */
export type Source =
  | {
      readonly kind: 'weights';
      readonly name: string;
      /** `[B, H, Lq, Lk]`, of one layer or of those of a rollout. */
      readonly layers: readonly Tensor[];
      /** Choices left to make: for the other axes, only the chosen part was read. */
      readonly batch?: number;
      readonly head?: Heads;
    }
  | { readonly kind: 'request'; readonly name: string; readonly request: AttentionRequest<Tensor> };

/** One head, all of them side by side, or their mean. */
export type Heads = number | 'all' | 'mean';

export interface Choice {
  /** Names of tensors; several are the layers of a rollout. */
  readonly tensor: readonly string[];
  /** The id of a case. */
  readonly case?: string;
  /** Layer of a stack, `[N, B, H, …]`. */
  readonly layer?: number;
  readonly batch?: number;
  readonly head?: Heads;
  readonly rollout?: true;
}

const QUERY = ['query', 'q', 'queries'];
const KEY = ['key', 'k', 'keys'];
const WEIGHTS = ['weights', 'attention', 'attentions', 'attn', 'attn_weights', 'probs'];

/**
 * Returns what the user means, if it is unambiguous: the named tensors; the only tensor, or the only one that is
 * called weights or attention; queries and keys; the only case.
 *
 * @throws HeedError `ARGUMENT` with what there is to choose from; what reading the file throws.
 */
export function chooseWeights({ tensors, requests }: Contents, choice: Choice): Source {
  if (choice.case !== undefined) return chosenCase(requests, choice.case);
  if (choice.tensor.length > 0) {
    return weights(
      choice.tensor,
      choice.tensor.map((name) => named(tensors, name)),
      choice,
    );
  }
  if (requests.size > 0) return chosenCase(requests, onlyCase(requests));
  const find = (names: readonly string[]): string | undefined => {
    const found = [...tensors.keys()].filter((name) => names.includes(name.toLowerCase()));
    return found.length === 1 ? found[0] : undefined;
  };
  const name = tensors.size === 1 ? tensors.keys().next().value : find(WEIGHTS);
  if (name !== undefined) return weights([name], [tensors.get(name)!()], choice);
  const [query, key] = [find(QUERY), find(KEY)];
  if (query !== undefined && key !== undefined) {
    const [q, k] = [query, key].map((one) => oneLayer(one, tensors.get(one)!(), choice)) as [Tensor, Tensor];
    return { kind: 'request', name: `${query} and ${key}`, request: { query: q, key: k, value: k } };
  }
  if (tensors.size > 0) throw doubt('--tensor is missing.', TENSOR, [...tensors.keys()]);
  throw new HeedError('ARGUMENT', 'the file holds nothing that can be drawn', {
    remedy: 'give one with weights, with queries and keys, or with a case that is a single call',
  });
}

function weights(names: readonly string[], stored: readonly Stored[], choice: Choice): Source {
  const [name] = names as [string];
  if (choice.rollout) {
    const layers = stored.flatMap((one, at) => allLayers(names[at]!, one, choice));
    return { kind: 'weights', name: names.join(', '), layers };
  }
  if (stored.length > 1) {
    throw new HeedError('ARGUMENT', `${names.length} tensors are named`, {
      remedy: 'add --rollout, or name one',
    });
  }
  const { shape } = stored[0]!;
  const at = leading(name, shape, choice);
  const { head } = choice;
  const known = shape.length - at.length;
  // One element of the batch, or one head of it, does not require reading the others.
  const batchIsLeft = known === 4;
  const headIsLeft = batchIsLeft || typeof head !== 'number' || known < 3;
  if (!headIsLeft) at.push(checkIndex('head', head, 'Hq', shape.at(-3)!));
  return {
    kind: 'weights',
    name,
    layers: [withFourAxes(stored[0]!.read(at))],
    ...(batchIsLeft && choice.batch !== undefined && { batch: choice.batch }),
    ...(headIsLeft && head !== undefined && { head }),
  };
}

/** The layers of a stack, or the one that is not stacked, each with its element of the batch. */
function allLayers(name: string, stored: Stored, choice: Choice): Tensor[] {
  const count = checkedRank(name, stored.shape) === 5 ? stored.shape[0]! : 1;
  return Array.from({ length: count }, (_, layer) =>
    withFourAxes(stored.read(leading(name, stored.shape, { ...choice, ...(count > 1 && { layer }) }))),
  );
}

function oneLayer(name: string, stored: Stored, choice: Choice): Tensor {
  const isStack = checkedRank(name, stored.shape) === 5;
  return withFourAxes(stored.read(isStack ? [layerOf(name, stored.shape, choice)] : []));
}

/** Returns the indices of the axes before the heads that are chosen, or that have only one. */
function leading(name: string, shape: readonly number[], choice: Choice): number[] {
  const rank = checkedRank(name, shape);
  const at: number[] = [];
  if (rank === 5) at.push(layerOf(name, shape, choice));
  else if (choice.layer !== undefined) {
    throw new HeedError('ARGUMENT', `--layer requires several layers; ${name} is [${shape.join(', ')}]`, {
      remedy: 'leave out --layer',
    });
  }
  const batches = rank >= 4 ? shape.at(-4)! : 1;
  const batch = choice.batch === undefined ? 0 : checkIndex('batch', choice.batch, 'B', batches);
  if (rank >= 4 && (batches === 1 || choice.batch !== undefined)) at.push(batch);
  return at;
}

function layerOf(name: string, shape: readonly number[], { layer }: Choice): number {
  const [count] = shape as [number];
  if (layer !== undefined) return checkIndex('layer', layer, 'N', count);
  if (count === 1) return 0;
  throw new HeedError('ARGUMENT', `--layer is missing; ${name} has ${count} layers`, {
    remedy: `choose one with --layer, 0 to ${count - 1}, or add --rollout`,
  });
}

function onlyCase(requests: Contents['requests']): string {
  if (requests.size === 1) return requests.keys().next().value!;
  throw doubt('--case is missing.', CASE, [...requests.keys()]);
}

function chosenCase(requests: Contents['requests'], name: string): Source {
  const request = requests.get(name);
  if (request === undefined) throw doubt(`unknown case ${name}.`, CASE, [...requests.keys()]);
  return { kind: 'request', name, request };
}

function named(tensors: Contents['tensors'], name: string): Stored {
  const found = tensors.get(name);
  if (found === undefined) throw doubt(`unknown tensor ${name}.`, TENSOR, [...tensors.keys()]);
  return found();
}

function checkedRank(name: string, shape: readonly number[]): number {
  if (shape.length >= 2 && shape.length <= 5) return shape.length;
  throw new HeedError(
    'SHAPE',
    `${name} is [${shape.join(', ')}]; expected [Lq, Lk], [H, Lq, Lk], [B, H, Lq, Lk] or [N, B, H, Lq, Lk]`,
    { remedy: 'save the weights with these axes, or choose another tensor' },
  );
}

/** `[L, L]` and `[H, L, L]` have a batch of one. */
function withFourAxes(given: Tensor): Tensor {
  return { ...given, shape: [...Array<number>(4 - given.shape.length).fill(1), ...given.shape] };
}

const TENSOR = { what: 'tensor', option: '--tensor' } as const;
const CASE = { what: 'case', option: '--case' } as const;

/** Error that lists the choices. */
function doubt(
  problem: string,
  { what, option }: typeof TENSOR | typeof CASE,
  names: readonly string[],
): HeedError {
  const has = names.length === 0 ? `no ${what}` : listed(names);
  return new HeedError('ARGUMENT', `${problem} The file has ${has}`, {
    remedy: names.length === 0 ? `leave out ${option}` : `choose one of them with ${option}`,
  });
}
