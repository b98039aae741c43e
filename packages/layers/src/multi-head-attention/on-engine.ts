import {
  type AttentionBackend,
  type AttentionRequest,
  type GradientOf,
  type LinearGradients,
  type LinearInputs,
  type LinearKernel,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  type TensorLike,
  attention,
} from '@heed/core';
import { type Projection, type Projections, offersLinear } from '../engine/projections.ts';
import { type HeadNorms, HeadNormsOn } from '../engine/head-norms.ts';
import { type Kept, type Pass, gradientOf, passing } from '../engine/kept.ts';
import { type Rotation, type RotationOn, rotatedBackOn, rotatedOn, rotationOn } from '../engine/rotation.ts';
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
export interface EngineLayer {
  readonly projections: Projections;
  readonly parameters: NamedTensors;
  readonly shape: Shape;
  /** Rotary embedding of this call, on a backend that offers it. */
  readonly rotation?: Rotation | undefined;
  /** Norms of heads of this call, on a backend that offers `norm`. */
  readonly headNorms?: HeadNorms | undefined;
}

/** Gradients of the inputs, each for itself, and of what the attention and the projections have. */
export interface EngineGradients {
  readonly dInputs: Inputs;
  readonly dBias?: FloatTensor;
  readonly parameters: NamedTensors;
}

/** A forward pass whose tensors are in the engine. */
export interface EnginePass<Output = FloatTensor> extends Pass {
  readonly used: Readonly<Record<Name | 'output', Awaited<Projection['ready']>>>;
  readonly inputs: Readonly<Record<Name, ResidentTensor>>;
  readonly attended: {
    readonly output: ResidentTensor;
    readonly weights?: ResidentTensor;
    readonly logSumExp?: ResidentTensor;
    readonly gradient?: GradientOf;
  };
  readonly headNorms?: HeadNormsOn | undefined;
  readonly rotation?: RotationOn | undefined;
  /** Outputs of the heads, side by side. */
  readonly joined: ResidentTensor;
  readonly output: Output;
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
  layer: EngineLayer,
  inputs: Inputs,
  scope: Scope,
  asked: Asked,
): Promise<EngineResults> {
  const run = (): Promise<EnginePass> =>
    passing(async (kept) => {
      const used = projectionsOf(backend, layer, asked.gradient, kept);
      return finishOn(
        await attendOn(backend, layer, used, await uploaded(backend, inputs, kept), scope, asked, kept),
        asked,
      );
    });
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

/** Projections of a call, with their parameters as they are now. */
type Used = Readonly<Record<Name | 'output', Projection['ready']>>;

export function projectionsOf(
  backend: AttentionBackend,
  { projections, parameters }: EngineLayer,
  gradient: boolean,
  kept: Kept,
): Used {
  const projection = (name: string): Projection['ready'] =>
    kept.add(
      projections.use(backend, name, {
        weight: parameters[`${name}.weight`],
        bias: parameters[`${name}.bias`],
        gradient,
      }),
    ).ready;
  return {
    query: projection('query'),
    key: projection('key'),
    value: projection('value'),
    output: projection('output'),
  };
}

async function uploaded(
  backend: AttentionBackend,
  inputs: Inputs,
  kept: Kept,
): Promise<Readonly<Record<Name, ResidentTensor>>> {
  const residents = new Map<FloatTensor, ResidentTensor>();
  for (const input of Object.values(inputs)) {
    if (!residents.has(input)) residents.set(input, kept.add(await backend.upload(input)));
  }
  return {
    query: residents.get(inputs.query)!,
    key: residents.get(inputs.key)!,
    value: residents.get(inputs.value)!,
  };
}

/** The part of a pass before the last projection. */
export async function attendOn(
  backend: AttentionBackend,
  { shape, rotation, headNorms }: EngineLayer,
  projections: Used,
  inputs: EnginePass['inputs'],
  scope: Scope,
  { weights, logSumExp, gradient, signal }: Asked,
  kept: Kept,
): Promise<Omit<EnginePass, 'output'>> {
  const run = signal === undefined ? {} : { signal };
  const [query, key, value, output] = await Promise.all([
    projections.query,
    projections.key,
    projections.value,
    projections.output,
  ]);
  const used = { query, key, value, output };
  const turned = rotation && (await rotationOn(backend, rotation, gradient, kept));
  const normed = headNorms && (await HeadNormsOn.use(backend, headNorms, gradient, kept));
  const headsOf = async (name: Name, heads: number): Promise<ResidentTensor> => {
    const { kernel, weights: packed } = used[name];
    const results = await kernel.run({ input: inputs[name], weights: packed }, { ...run, resident: true });
    const [batch, length] = inputs[name].shape as [number, number];
    const split = kept.add(kept.add(results.output).view([batch, length, heads, shape.headDim]));
    if (name === 'value') return split;
    const normal = normed === undefined ? split : await normed.forward(name, split, run);
    return turned === undefined ? normal : rotatedOn(turned, name, normal, run, kept);
  };
  // At once: the engine goes from one to the next without waiting for this thread.
  const projected = [
    headsOf('query', shape.heads),
    headsOf('key', shape.kvHeads),
    headsOf('value', shape.kvHeads),
  ] as const;
  await Promise.allSettled(projected);
  const [queryHeads, keyHeads, valueHeads] = await Promise.all(projected);
  const request = {
    ...scope,
    query: queryHeads,
    key: keyHeads,
    value: valueHeads,
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
  const [batch, length] = inputs.query.shape as [number, number];
  const joined = kept.add(attended.output.view([batch, length, shape.heads * shape.headDim]));
  return { kept, used, inputs, attended, headNorms: normed, rotation: turned, joined };
}

/** The last projection, out of the engine. */
async function finishOn(pass: Omit<EnginePass, 'output'>, { signal }: Asked): Promise<EnginePass> {
  const { kernel, weights } = pass.used.output;
  const run = signal === undefined ? {} : { signal };
  const { output } = await kernel.run({ input: pass.joined, weights }, run);
  return { ...pass, output: output as FloatTensor };
}

/** Gradients of the attention, in the engine. */
interface InnerGradients {
  readonly dQuery: ResidentTensor;
  readonly dKey: ResidentTensor;
  readonly dValue: ResidentTensor;
  readonly dBias?: ResidentTensor;
  readonly dSinks?: ResidentTensor;
}

/** Gradients of the last projection and of the attention, in the engine, and the way through the first projections. */
export async function gradientBefore(
  { shape }: EngineLayer,
  { kept, used, inputs, attended, headNorms, rotation, joined }: Omit<EnginePass, 'output'>,
  dOutput: ResidentTensor,
): Promise<{
  readonly out: LinearGradients<ResidentTensor>;
  readonly inner: InnerGradients;
  /** Gradients of the weights of the norms of heads, by their names. */
  readonly ofNorms: Readonly<Record<string, ResidentTensor>>;
  /** Kernel and inputs of a projection's gradient. */
  readonly into: (name: Name) => {
    readonly kernel: LinearKernel;
    readonly inputs: LinearInputs;
    readonly dOutput: ResidentTensor;
  };
}> {
  const resident = { resident: true } as const;
  const { kernel, weights } = used.output;
  const out = await kernel.gradient({ input: joined, weights }, { dOutput }, resident);
  for (const tensor of [out.dInput, out.dWeight, out.dBias]) if (tensor) kept.add(tensor);
  const dAttended = kept.add(out.dInput.view(attended.output.shape));
  const inner = (await attended.gradient!(dAttended, resident)) as InnerGradients;
  for (const tensor of Object.values(inner) as ResidentTensor[]) kept.add(tensor);
  const ofNorms: Record<string, ResidentTensor> = {};
  const before = async (name: 'query' | 'key', dRotated: ResidentTensor): Promise<ResidentTensor> => {
    const dNormal = rotation === undefined ? dRotated : await rotatedBackOn(rotation, name, dRotated, kept);
    if (headNorms === undefined) return dNormal;
    const { dInput, dWeight } = await headNorms.back(name, dNormal);
    ofNorms[`${name}Norm.weight`] = dWeight;
    return dInput;
  };
  const dHeads = {
    query: await before('query', inner.dQuery),
    key: await before('key', inner.dKey),
    value: inner.dValue,
  };
  return {
    out,
    inner,
    ofNorms,
    into(name) {
      const [batch, length, heads] = dHeads[name].shape as [number, number, number];
      return {
        kernel: used[name].kernel,
        inputs: { input: inputs[name], weights: used[name].weights },
        dOutput: kept.add(dHeads[name].view([batch, length, heads * shape.headDim])),
      };
    },
  };
}

/** The way back: the gradient goes in once, and those of inputs and parameters come out. */
async function gradientOn(
  backend: AttentionBackend,
  layer: EngineLayer,
  pass: EnginePass,
  given: FloatTensor,
): Promise<EngineGradients> {
  const dOutput = pass.kept.add(await backend.upload(given));
  const { out, inner, ofNorms, into } = await gradientBefore(layer, pass, dOutput);
  const before = (name: Name): Promise<LinearGradients<Tensor>> => {
    const { kernel, inputs, dOutput: dHeads } = into(name);
    return kernel.gradient(inputs, { dOutput: dHeads });
  };
  const gradients = {
    query: await before('query'),
    key: await before('key'),
    value: await before('value'),
    output: {
      dInput: dOutput,
      dWeight: await out.dWeight.read(),
      ...(out.dBias && { dBias: await out.dBias.read() }),
    },
  };
  const norms: [string, Tensor][] = [];
  for (const [name, dWeight] of Object.entries(ofNorms)) norms.push([name, await dWeight.read()]);
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
      ...(Object.fromEntries([...parameters, ...norms]) as NamedTensors),
      ...(inner.dSinks && { sinks: (await inner.dSinks.read()) as FloatTensor }),
    },
  };
}
