import {
  type AttentionBackend,
  type AttentionRequest,
  type GradientOf,
  type LinearGradients,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  type TensorLike,
  attention,
} from '@heed/core';
import { type Projection, type Projections, offersLinear } from '../engine/projections.ts';
import { type Kept, type Pass, gradientOf, passing } from '../engine/kept.ts';
import type { NamedTensors } from '../parameters.ts';
import type { FloatTensor } from '../tensors.ts';
import type { Shape } from './parameters.ts';

/** Returns whether a layer of this precision can stay in an engine's memory from its input to its output. */
export function staysOn(backend: AttentionBackend, input: FloatTensor): boolean {
  return offersLinear(backend, input) && backend.capabilities.features.includes('layout.blhd');
}

interface Asked {
  readonly signal?: RunOptions['signal'] | undefined;
  readonly weights: boolean;
  readonly logSumExp: boolean;
  readonly gradient: boolean;
}

/** Request to the layer's attention besides its three tensors. */
export type Scope = Omit<
  AttentionRequest<TensorLike>,
  'query' | 'key' | 'value' | 'layout' | 'selection' | 'seed' | 'output' | keyof Asked
>;

type Name = 'query' | 'key' | 'value';
type Inputs = Readonly<Record<Name, FloatTensor>>;

/** The layer, as far as the engine needs it. */
interface Layer {
  readonly projections: Projections;
  readonly parameters: NamedTensors;
  readonly shape: Shape;
}

/** Gradients of the inputs, each for itself, and of what the attention and the projections have. */
export interface EngineGradients {
  readonly dInputs: Inputs;
  readonly dBias?: FloatTensor;
  readonly parameters: NamedTensors;
}

/** A forward pass whose tensors are in the engine. */
interface EnginePass extends Pass {
  readonly used: Readonly<Record<Name | 'output', Awaited<Projection['ready']>>>;
  readonly inputs: Readonly<Record<Name, ResidentTensor>>;
  readonly attended: {
    readonly output: ResidentTensor;
    readonly weights?: ResidentTensor;
    readonly logSumExp?: ResidentTensor;
    readonly gradient?: GradientOf;
  };
  /** Outputs of the heads, side by side. */
  readonly joined: ResidentTensor;
  readonly output: FloatTensor;
}

interface EngineResults {
  readonly output: FloatTensor;
  readonly weights?: Tensor;
  readonly logSumExp?: Tensor;
  gradient?(dOutput: FloatTensor): Promise<EngineGradients>;
}

/**
 * Multi-head attention in the memory of an engine: inputs go in once, the output comes out, and heads are views of projections.
 * For the gradient, tensors and packed weights stay there until it was computed.
 */
export async function forwardOnEngine(
  backend: AttentionBackend,
  layer: Layer,
  inputs: Inputs,
  scope: Scope,
  asked: Asked,
): Promise<EngineResults> {
  const run = (): Promise<EnginePass> =>
    passing((kept) => passOn(backend, layer, inputs, scope, asked, kept));
  const pass = await run();
  const { kept, attended, output } = pass;
  try {
    const results = {
      output,
      ...(asked.weights && { weights: await attended.weights!.read() }),
      ...(asked.logSumExp && { logSumExp: await attended.logSumExp!.read() }),
    };
    if (!asked.gradient) return results;
    return {
      ...results,
      gradient: gradientOf(pass, run, (mine, dOutput: FloatTensor) =>
        gradientOn(backend, layer, mine, dOutput),
      ),
    };
  } finally {
    if (!asked.gradient) kept.dispose();
  }
}

async function passOn(
  backend: AttentionBackend,
  { projections, parameters, shape }: Layer,
  inputs: Inputs,
  scope: Scope,
  { weights, logSumExp, gradient, signal }: Asked,
  kept: Kept,
): Promise<EnginePass> {
  const run = signal === undefined ? {} : { signal };
  const projectionOf = (name: string): Projection['ready'] =>
    kept.add(
      projections.use(backend, name, {
        weight: parameters[`${name}.weight`],
        bias: parameters[`${name}.bias`],
        gradient,
      }),
    ).ready;
  // Read before the first await: these are the parameters of this call.
  const [query, key, value, toOutput] = await Promise.all([
    projectionOf('query'),
    projectionOf('key'),
    projectionOf('value'),
    projectionOf('output'),
  ]);
  const used = { query, key, value, output: toOutput };
  const uploaded = new Map<FloatTensor, ResidentTensor>();
  for (const input of Object.values(inputs)) {
    if (!uploaded.has(input)) uploaded.set(input, kept.add(await backend.upload(input)));
  }
  const resident = {
    query: uploaded.get(inputs.query)!,
    key: uploaded.get(inputs.key)!,
    value: uploaded.get(inputs.value)!,
  };
  const headsOf = async (name: Name, heads: number): Promise<ResidentTensor> => {
    const { kernel, weights: packed } = used[name];
    const { output } = await kernel.run(
      { input: resident[name], weights: packed },
      { ...run, resident: true },
    );
    const [batch, length] = inputs[name].shape;
    return kept.add(kept.add(output).view([batch, length, heads, shape.headDim]));
  };
  const request = {
    ...scope,
    query: await headsOf('query', shape.heads),
    key: await headsOf('key', shape.kvHeads),
    value: await headsOf('value', shape.kvHeads),
    layout: 'blhd',
    weights,
    logSumExp,
    gradient,
  } as const;
  const attended = (await attention(backend, request, {
    ...run,
    resident: true,
  })) as EnginePass['attended'] & {
    readonly statistics?: { readonly rowMax: ResidentTensor; readonly rowSum: ResidentTensor };
  };
  const { statistics } = attended;
  for (const tensor of [attended.output, attended.weights, attended.logSumExp]) if (tensor) kept.add(tensor);
  for (const tensor of [statistics?.rowMax, statistics?.rowSum]) if (tensor) kept.add(tensor);
  const [batch, length] = inputs.query.shape;
  const joined = kept.add(attended.output.view([batch, length, shape.heads * shape.headDim]));
  const { output } = await toOutput.kernel.run({ input: joined, weights: toOutput.weights }, run);
  return { kept, used, inputs: resident, attended, joined, output: output as FloatTensor };
}

/** The way back: the gradient goes in once, and those of inputs and parameters come out. */
async function gradientOn(
  backend: AttentionBackend,
  { shape }: Layer,
  { kept, used, inputs, attended, joined }: EnginePass,
  given: FloatTensor,
): Promise<EngineGradients> {
  const dOutput = kept.add(await backend.upload(given));
  const resident = { resident: true } as const;
  const { kernel, weights } = used.output;
  const out = await kernel.gradient({ input: joined, weights }, { dOutput }, resident);
  for (const tensor of [out.dInput, out.dWeight, out.dBias]) if (tensor) kept.add(tensor);
  const dAttended = kept.add(out.dInput.view(attended.output.shape));
  const inner = await attended.gradient!(dAttended, resident);
  for (const tensor of Object.values(inner) as ResidentTensor[]) kept.add(tensor);
  const before = async (name: Name, dHeads: ResidentTensor): Promise<LinearGradients<Tensor>> => {
    const [batch, length, heads] = dHeads.shape as [number, number, number];
    const joinedHeads = kept.add(dHeads.view([batch, length, heads * shape.headDim]));
    return used[name].kernel.gradient(
      { input: inputs[name], weights: used[name].weights },
      { dOutput: joinedHeads },
    );
  };
  const gradients = {
    query: await before('query', inner.dQuery),
    key: await before('key', inner.dKey),
    value: await before('value', inner.dValue),
    output: {
      dInput: dOutput,
      dWeight: await out.dWeight.read(),
      ...(out.dBias && { dBias: await out.dBias.read() }),
    },
  };
  const parameters = Object.entries(gradients).flatMap(([name, { dWeight, dBias }]) => [
    [`${name}.weight`, dWeight],
    ...(dBias === undefined ? [] : [[`${name}.bias`, dBias]]),
  ]);
  return {
    dInputs: {
      query: gradients.query.dInput as FloatTensor,
      key: gradients.key.dInput as FloatTensor,
      value: gradients.value.dInput as FloatTensor,
    },
    ...(inner.dBias && { dBias: (await inner.dBias.read()) as FloatTensor }),
    parameters: {
      ...(Object.fromEntries(parameters) as NamedTensors),
      ...(inner.dSinks && { sinks: (await inner.dSinks.read()) as FloatTensor }),
    },
  };
}
