import type { AttentionRequest, OutputName, RequestedResults, Tensor } from '@heed/core';

/** A request of the suite: every tensor is a plain `Tensor`, so that a case can read it. */
export type CaseRequest = AttentionRequest<Tensor> & {
  /** Not there where `valueFromKey` is; no case then reads it. */
  readonly value: Tensor;
};

const OUTPUT_NAMES: readonly OutputName[] = ['output', 'weights', 'logSumExp', 'statistics', 'choice'];

/** The flags that ask for the named results. */
export function asking(outputs: readonly OutputName[]): RequestedResults {
  const flags = outputs.filter((name) => name !== 'output').map((name) => [name, true]);
  return { ...(!outputs.includes('output') && { output: false }), ...Object.fromEntries(flags) };
}

/** The names of the results that a request asks for. */
export function askedBy(request: RequestedResults): OutputName[] {
  return OUTPUT_NAMES.filter((name) => request[name] ?? name === 'output');
}
