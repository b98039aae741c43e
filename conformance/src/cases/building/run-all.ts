import {
  type AttentionBackend,
  type AttentionGradients,
  type AttentionKernel,
  type Capabilities,
  type OutputName,
  type Tensor,
  resolveRequest,
} from '@heed/core';
import { type CaseRequest, asking } from '../../case-request.ts';
import { coordinates } from '../../judge/compare.ts';
import type { Values } from '../../judge/expectation.ts';
import { ensure } from './behavior.ts';

/** The request with every output that the backend declares, and the gradient where there is one. */
export function withEverything(request: CaseRequest, { features }: Capabilities): CaseRequest {
  const hard = (request.selection ?? 'softmax') !== 'softmax';
  const { blockTable, keyScales, ring, valueFromKey } = request;
  const isFixed = Boolean(blockTable ?? keyScales ?? valueFromKey ?? (ring || undefined));
  const declared = (['weights', 'logSumExp', 'statistics'] as const).filter((name) =>
    features.includes(name),
  );
  const outputs: OutputName[] = ['output', ...declared, ...(hard ? ['choice' as const] : [])];
  return { ...request, ...asking(outputs), gradient: !hard && !isFixed && features.includes('gradient') };
}

/** Runs a request for everything that the backend declares. Results by the names of comparisons. */
export async function runAll(
  backend: AttentionBackend,
  request: CaseRequest,
  dOutput: Tensor,
): Promise<Values> {
  const { problem, inputs } = resolveRequest(withEverything(request, backend.capabilities));
  const kernel = await backend.compile(problem);
  try {
    return await runKernel(kernel, inputs as never, dOutput);
  } finally {
    await kernel.dispose();
  }
}

/** Runs a request for what it asks for alone, which backends may have quicker ways to. */
export async function runAsAsked(
  backend: AttentionBackend,
  request: CaseRequest,
  dOutput: Tensor,
): Promise<Values> {
  const { problem, inputs } = resolveRequest(request);
  const kernel = await backend.compile(problem);
  try {
    return await runKernel(kernel, inputs as never, dOutput);
  } finally {
    await kernel.dispose();
  }
}

/** One run of a kernel, and the gradient if its problem has one. */
export async function runKernel(
  kernel: AttentionKernel,
  inputs: Parameters<AttentionKernel['run']>[0],
  dOutput: Tensor,
): Promise<Values> {
  const { statistics, ...outputs } = await kernel.run(inputs);
  const forward = { ...outputs, ...statistics } as Values;
  if (!kernel.problem.gradient) return forward;
  const gradients: AttentionGradients = await kernel.gradient(inputs, {
    output: outputs.output!,
    statistics: statistics!,
    dOutput,
  });
  return { ...forward, ...gradients };
}

/** Checks that two results are the same bits, except where `ignore` says so. */
export function ensureSameBits(
  actual: Values,
  expected: Values,
  what: string,
  ignore: (name: string, index: number) => boolean = () => false,
): void {
  for (const [name, { data, shape }] of Object.entries(expected)) {
    const other = actual[name]!.data;
    const index = data.findIndex((number, n) => !Object.is(number, other[n]) && !ignore(name, n));
    ensure(
      index === -1,
      `${what}: ${name}[${coordinates(index, shape)}] is ${other[index]}, without that it is ${data[index]}`,
    );
  }
}

/** Near enough to tell that it is the same computation; whether the bits are equal is the guarantee `repeat`. */
export function ensureClose(actual: Values, expected: Values, what: string): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const other = (actual[name] as Tensor).data;
    ensure(
      data.every((number, n) => Math.abs(number - other[n]!) <= 1e-4 * Math.max(1, Math.abs(number))),
      `${what}: ${name} differs from that of a run alone`,
    );
  }
}
