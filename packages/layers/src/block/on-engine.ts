import type { AttentionBackend, ResidentTensor, RunOptions, Tensor } from '@heed/core';
import type { DropoutOptions } from '../dropout.ts';
import { DropoutOn, offersDropout } from '../engine/dropout.ts';
import { type FeedForwardParts, isGated, namedHalves, offersGate, useUp } from '../engine/feed-forward.ts';
import { type Kept, type Pass, gradientOf, passing } from '../engine/kept.ts';
import { type NormOn, type Norms, normOn } from '../engine/norms.ts';
import { type Projection, offersLinear } from '../engine/projections.ts';
import {
  type EngineLayer,
  type EnginePass,
  type Scope,
  attendOn,
  gradientBefore,
  projectionsOf,
} from '../multi-head-attention/on-engine.ts';
import type { NamedTensors } from '../parameters.ts';
import type { FloatTensor } from '../tensors.ts';

/** A block, as far as the engine needs it: self-attention, and a feed-forward layer. */
export interface BlockParts {
  readonly attention: EngineLayer;
  readonly feedForward: FeedForwardParts;
  readonly norms: Norms;
  readonly norm: { readonly kind: 'layer' | 'rms'; readonly epsilon: number };
  readonly attentionNorm: NamedTensors;
  readonly feedForwardNorm: NamedTensors;
  readonly normFirst: boolean;
}

/** Dropout of a block, and the streams of its places. */
interface BlockDropout {
  readonly options: DropoutOptions;
  readonly streams: Readonly<Record<'attention' | 'hidden' | 'feedForward', number>>;
}

interface Asked {
  /** Dropout before each sum, and of the hidden numbers. */
  readonly dropped: BlockDropout | null;
  readonly weights: boolean;
  readonly gradient: boolean;
  readonly run: RunOptions;
}

/** Gradients of a block. */
interface BlockGradients {
  readonly dInput: FloatTensor;
  readonly dBias?: FloatTensor;
  /** By the names of the block. */
  readonly parameters: NamedTensors;
}

interface BlockResults {
  readonly output: FloatTensor;
  readonly weights?: FloatTensor;
  gradient?(dOutput: FloatTensor): Promise<BlockGradients>;
}

/** Returns whether an engine computes everything of a block. */
export function staysInBlock(
  backend: AttentionBackend,
  input: FloatTensor,
  uses: { readonly gate: boolean; readonly dropout: boolean },
): boolean {
  const { features, operations = [] } = backend.capabilities;
  return (
    offersLinear(backend, input) &&
    features.includes('layout.blhd') &&
    operations.includes('linear.residual') &&
    operations.includes('norm') &&
    (!uses.gate || offersGate(backend)) &&
    (!uses.dropout || offersDropout(backend))
  );
}

type Used = Awaited<Projection['ready']>;

/** A forward pass whose tensors are in the engine. */
interface BlockPass extends Pass {
  readonly attention: Omit<EnginePass, 'output'>;
  readonly norms: readonly [NormOn, NormOn];
  readonly drops: { readonly on: DropoutOn; readonly streams: BlockDropout['streams'] } | null;
  readonly up: Used;
  readonly down: Used;
  /** Inputs of the norms and of the projections of the feed-forward layer. */
  readonly normed: readonly [ResidentTensor, ResidentTensor];
  readonly between: ResidentTensor;
  /** Argument of the activation and gate, where the gradient takes it. */
  readonly argument: ResidentTensor | undefined;
  readonly hidden: ResidentTensor;
  readonly output: FloatTensor;
}

/**
 * A block of a transformer in the memory of an engine: its input goes in once, its output comes out, and nothing is read in
 * between. Sums are residuals of the projections before them. For the gradient, tensors stay there until it was computed.
 */
export async function blockOn(
  backend: AttentionBackend,
  parts: BlockParts,
  input: FloatTensor,
  scope: Scope,
  asked: Asked,
): Promise<BlockResults> {
  const run = (): Promise<BlockPass> => passing((kept) => passOn(backend, parts, input, scope, asked, kept));
  const pass = await run();
  const { kept, output, attention } = pass;
  try {
    const results = {
      output,
      ...(asked.weights && { weights: (await attention.attended.weights!.read()) as FloatTensor }),
    };
    if (!asked.gradient) return results;
    const back = (mine: BlockPass, dOutput: FloatTensor): Promise<BlockGradients> =>
      gradientOn(backend, parts, mine, dOutput);
    return { ...results, gradient: gradientOf(pass, run, back) };
  } finally {
    if (!asked.gradient) kept.dispose();
  }
}

async function passOn(
  backend: AttentionBackend,
  parts: BlockParts,
  given: FloatTensor,
  scope: Scope,
  { dropped, weights, gradient, run }: Asked,
  kept: Kept,
): Promise<BlockPass> {
  const { parameters, projections, dropouts } = parts.feedForward;
  const { dtype } = given;
  const ofDown = { weight: parameters['down.weight'], bias: parameters['down.bias'], gradient };
  const norm = (its: NamedTensors): Promise<NormOn> => {
    const width = its['weight'].shape[0];
    return parts.norms.use(backend, { ...parts.norm, width, dtype: given.dtype, gradient }, its, kept);
  };
  // Read before the first await: these are the parameters of this call.
  const used = projectionsOf(backend, parts.attention, gradient, kept);
  const [up, down, first, second] = await Promise.all([
    kept.add(useUp(backend, parts.feedForward, gradient)).ready,
    kept.add(projections.use(backend, 'down', ofDown)).ready,
    norm(parts.attentionNorm),
    norm(parts.feedForwardNorm),
  ]);
  const drops = dropped && {
    on: await DropoutOn.use(backend, dropouts, dropped.options, { dtype, gradient }, kept),
    streams: dropped.streams,
  };
  const stay = { ...run, resident: true } as const;
  const through = async (
    { kernel, weights: packed }: Used,
    input: ResidentTensor,
    residual?: ResidentTensor,
  ): Promise<ResidentTensor> =>
    kept.add((await kernel.run({ input, weights: packed, residual }, stay)).output);
  /** A projection whose output is dropped in part before it is added. */
  const added = async (
    projection: Used,
    place: 'attention' | 'feedForward',
    hidden: ResidentTensor,
    residual: ResidentTensor,
  ): Promise<ResidentTensor> => {
    if (drops === null) return through(projection, hidden, residual);
    return drops.on.forward(drops.streams[place], await through(projection, hidden), run, residual);
  };
  const hiddenOf = async (between: ResidentTensor): Promise<Pick<BlockPass, 'hidden' | 'argument'>> => {
    const { output, argument } = await up.kernel.run({ input: between, weights: up.weights }, stay);
    const hidden = kept.add(output);
    if (argument) kept.add(argument);
    if (drops === null) return { hidden, argument };
    return { hidden: await drops.on.forward(drops.streams.hidden, hidden, run), argument };
  };
  const attended = (query: ResidentTensor): Promise<Omit<EnginePass, 'output'>> => {
    const inputs = { query, key: query, value: query };
    const asked = { ...run, weights, gradient, logSumExp: false };
    return attendOn(backend, parts.attention, used, inputs, scope, asked, kept);
  };
  const input = kept.add(await backend.upload(given));
  const common = { kept, norms: [first, second], drops, up, down } as const;
  if (parts.normFirst) {
    const attention = await attended(await normOn(first, input, run, kept));
    const sum = await added(attention.used.output, 'attention', attention.joined, input);
    const between = await normOn(second, sum, run, kept);
    const { hidden, argument } = await hiddenOf(between);
    const output =
      drops === null
        ? (await down.kernel.run({ input: hidden, weights: down.weights, residual: sum }, run)).output
        : await drops.on.out(drops.streams.feedForward, await through(down, hidden), run, sum);
    return {
      ...common,
      attention,
      normed: [input, sum],
      between,
      argument,
      hidden,
      output: output as FloatTensor,
    };
  }
  const attention = await attended(input);
  const sum = await added(attention.used.output, 'attention', attention.joined, input);
  const between = await normOn(first, sum, run, kept);
  const { hidden, argument } = await hiddenOf(between);
  const last = await added(down, 'feedForward', hidden, between);
  const { kernel, ...its } = second;
  const { output } = await kernel.run({ input: last, ...its }, run);
  return {
    ...common,
    attention,
    normed: [sum, last],
    between,
    argument,
    hidden,
    output: output as FloatTensor,
  };
}

/** The way back: the gradient goes in once; where branches meet, it is added to the one that comes later. */
async function gradientOn(
  backend: AttentionBackend,
  { attention: layer, feedForward: { parameters: ofLayer }, normFirst }: BlockParts,
  { kept, attention, norms, drops, up, down, normed, between, argument, hidden }: BlockPass,
  given: FloatTensor,
): Promise<BlockGradients> {
  const stay = { resident: true } as const;
  const parameters: Record<string, ResidentTensor> = {};
  /** Keeps the gradients of parameters under their names, and returns that of the input. */
  const keep = (
    name: string,
    gradients: {
      readonly dInput: ResidentTensor;
      readonly dWeight: ResidentTensor;
      readonly dBias?: ResidentTensor;
    },
  ): ResidentTensor => {
    const { dInput, dWeight, dBias } = gradients;
    parameters[`${name}.weight`] = kept.add(dWeight);
    if (dBias) parameters[`${name}.bias`] = kept.add(dBias);
    return kept.add(dInput);
  };
  const norm = async (
    n: 0 | 1,
    dOutput: ResidentTensor,
    dResidual?: ResidentTensor,
  ): Promise<ResidentTensor> => {
    const { kernel, ...its } = norms[n]!;
    const name = n === 0 ? 'attentionNorm' : 'feedForwardNorm';
    return keep(name, await kernel.gradient({ input: normed[n]!, ...its }, { dOutput, dResidual }, stay));
  };
  const back = async (
    place: 'attention' | 'hidden' | 'feedForward',
    dOutput: ResidentTensor,
  ): Promise<ResidentTensor> => (drops === null ? dOutput : drops.on.back(drops.streams[place], dOutput));
  const feedForward = async (dAdded: ResidentTensor, dResidual?: ResidentTensor): Promise<ResidentTensor> => {
    const dOutput = await back('feedForward', dAdded);
    const ofDown = await down.kernel.gradient({ input: hidden, weights: down.weights }, { dOutput }, stay);
    const dHidden = await back('hidden', keep('feedForward.down', ofDown));
    const inputs = { input: between, weights: up.weights };
    const forward = { dOutput: dHidden, argument, dResidual };
    return keep('feedForward.up', await up.kernel.gradient(inputs, forward, stay));
  };
  let dBias: ResidentTensor | undefined;
  const attend = async (dOutput: ResidentTensor, dResidual?: ResidentTensor): Promise<ResidentTensor> => {
    const { out, inner, ofNorms, into } = await gradientBefore(
      layer,
      attention,
      await back('attention', dOutput),
    );
    ({ dBias } = inner);
    if (inner.dSinks) parameters['attention.sinks'] = inner.dSinks;
    for (const [name, dWeight] of Object.entries(ofNorms)) parameters[`attention.${name}`] = dWeight;
    parameters['attention.output.weight'] = out.dWeight;
    if (out.dBias) parameters['attention.output.bias'] = out.dBias;
    let before = dResidual;
    for (const name of ['query', 'key', 'value'] as const) {
      const { kernel, inputs, dOutput: dHeads } = into(name);
      const gradients = await kernel.gradient(inputs, { dOutput: dHeads, dResidual: before }, stay);
      before = keep(`attention.${name}`, gradients);
    }
    return before!;
  };
  const dOutput = kept.add(await backend.upload(given));
  let dInput: ResidentTensor;
  if (normFirst) {
    const dSum = await norm(1, await feedForward(dOutput), dOutput);
    dInput = await norm(0, await attend(dSum), dSum);
  } else {
    const dLast = await norm(1, dOutput);
    const dSum = await norm(0, await feedForward(dLast, dLast));
    dInput = await attend(dSum, dSum);
  }
  const read = async (resident: ResidentTensor): Promise<FloatTensor> =>
    (await resident.read()) as Tensor as FloatTensor;
  const named: [string, FloatTensor][] = [];
  for (const [name, resident] of Object.entries(parameters)) named.push([name, await read(resident)]);
  const all = Object.fromEntries(named);
  if (isGated(ofLayer)) {
    const { 'feedForward.up.weight': dWeight, 'feedForward.up.bias': dOfBias } = all;
    const halves = namedHalves({ dWeight: dWeight!, ...(dOfBias && { dBias: dOfBias }) });
    for (const [name, half] of Object.entries(halves)) all[`feedForward.${name}`] = half;
  }
  return {
    dInput: await read(dInput),
    ...(dBias && { dBias: await read(dBias) }),
    parameters: all as NamedTensors,
  };
}
