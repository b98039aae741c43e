import type {
  AttentionBackend,
  LinearGradients as KernelGradients,
  ResidentTensor,
  RunOptions,
  Tensor,
} from '@heed/core';
import type { Activation } from '../activation/activation.ts';
import { type DropoutOptions, dropout } from '../dropout.ts';
import type { LinearGradients } from '../matrix/linear.ts';
import type { NamedTensors } from '../parameters.ts';
import { type FloatTensor, product, sum } from '../tensors.ts';
import { DropoutOn, type Dropouts, offersDropout } from './dropout.ts';
import { type Kept, type Pass, gradientOf, passing } from './kept.ts';
import type { Projection, ProjectionParameters, Projections } from './projections.ts';

/** A feed-forward layer, as far as the engine needs it. */
export interface FeedForwardParts {
  readonly parameters: NamedTensors;
  readonly projections: Projections;
  readonly activation: Activation;
  readonly dropouts: Dropouts;
}

interface Asked {
  readonly gradient: boolean;
  readonly run: RunOptions;
  /** Dropout of what is between the projections, or null. */
  readonly dropped: DropoutOptions | null;
}

type Used = Awaited<Projection['ready']>;

/** A forward pass in the engine. */
interface FeedForwardPass extends Pass {
  readonly input: ResidentTensor;
  readonly up: Used;
  readonly down: Used;
  /** With a gate that is computed here: it, and the two factors. */
  readonly gated: { readonly gate: Used; readonly ofUp: FloatTensor; readonly activated: FloatTensor } | null;
  /** True with a gate in the engine, whose weight lies above that of `up`. */
  readonly isFused: boolean;
  /** Dropout in the engine, and its stream. */
  readonly stream: number;
  readonly drops: DropoutOn | null;
  /** Dropout that is computed here. */
  readonly drop: ((value: FloatTensor) => FloatTensor) | null;
  /** Argument of the activation and gate, where the gradient takes it. */
  readonly argument: ResidentTensor | FloatTensor | undefined;
  /** Input of the last projection. */
  readonly hidden: ResidentTensor | FloatTensor;
  readonly output: FloatTensor;
}

/** A feed-forward layer in the memory of an engine. Gates and dropout are computed here where the engine does not offer them. */
export async function feedForwardOn(
  backend: AttentionBackend,
  layer: FeedForwardParts,
  input: FloatTensor,
  asked: Asked,
): Promise<{
  readonly output: FloatTensor;
  gradient?(dOutput: FloatTensor): Promise<LinearGradients>;
}> {
  const run = (): Promise<FeedForwardPass> => passing((kept) => passOn(backend, layer, input, asked, kept));
  const pass = await run();
  const { output } = pass;
  if (asked.gradient)
    return { output, gradient: gradientOf(pass, run, (mine, d: FloatTensor) => gradientOn(mine, d)) };
  pass.kept.dispose();
  return { output };
}

/** Returns whether a layer has a gate. */
export function isGated(parameters: NamedTensors): boolean {
  return 'gate.weight' in parameters;
}

/** Returns whether an engine computes gates. */
export function offersGate({ capabilities: { operations = [] } }: AttentionBackend): boolean {
  return operations.includes('linear.gate');
}

const of = (parameters: NamedTensors, name: string): Pick<ProjectionParameters, 'weight' | 'bias'> => ({
  weight: parameters[`${name}.weight`],
  bias: parameters[`${name}.bias`],
});

/**
 * The projection up to the hidden numbers, activated; with a gate, both of its halves in one. With its gradient, a run returns the
 * argument that it takes, where the engine has one.
 */
export function useUp(
  backend: AttentionBackend,
  { parameters, projections, activation }: Omit<FeedForwardParts, 'dropouts'>,
  gradient: boolean,
): Projection {
  const argument = gradient && (backend.capabilities.operations ?? []).includes('linear.argument');
  const asked = { activation, gradient, argument };
  if (!isGated(parameters)) return projections.use(backend, 'up', { ...of(parameters, 'up'), ...asked });
  const both = { ...of(parameters, 'gate'), gated: of(parameters, 'up') };
  return projections.use(backend, 'gate and up', { ...both, ...asked });
}

/** Gradients of both halves, by the names of their parameters. */
export function namedHalves({
  dWeight,
  dBias,
}: Pick<KernelGradients<Tensor>, 'dWeight' | 'dBias'>): NamedTensors {
  const half = ({ dtype, shape, data }: Tensor, n: 0 | 1): Tensor => {
    const length = data.length / 2;
    return {
      dtype,
      shape: [shape[0]! / 2, ...shape.slice(1)],
      data: data.slice(n * length, (n + 1) * length),
    } as Tensor;
  };
  const partOf = (n: 0 | 1): Pick<KernelGradients<Tensor>, 'dWeight' | 'dBias'> => ({
    dWeight: half(dWeight, n),
    ...(dBias && { dBias: half(dBias, n) }),
  });
  return { ...named('up', partOf(1)), ...named('gate', partOf(0)) };
}

async function passOn(
  backend: AttentionBackend,
  layer: FeedForwardParts,
  given: FloatTensor,
  { gradient, run, dropped }: Asked,
  kept: Kept,
): Promise<FeedForwardPass> {
  const { parameters, projections, activation } = layer;
  const isGatedHere = isGated(parameters) && !offersGate(backend);
  const use = (name: string, its: Activation | null): Projection['ready'] =>
    kept.add(projections.use(backend, name, { ...of(parameters, name), activation: its, gradient })).ready;
  // Read before the first await: these are the parameters of this call.
  const [up, down, gate] = await Promise.all([
    isGatedHere ? use('up', null) : kept.add(useUp(backend, layer, gradient)).ready,
    use('down', null),
    isGatedHere ? use('gate', activation) : null,
  ]);
  const isDroppedThere = !isGatedHere && offersDropout(backend);
  const { dtype } = given;
  const drops =
    dropped && isDroppedThere
      ? await DropoutOn.use(backend, layer.dropouts, dropped, { dtype, gradient }, kept)
      : null;
  const drop =
    dropped && !isDroppedThere ? (value: FloatTensor): FloatTensor => dropout(value, dropped) : null;
  const input = kept.add(await backend.upload(given));
  const through = async ({ kernel, weights }: Used): Promise<FloatTensor> =>
    (await kernel.run({ input, weights }, run)).output as FloatTensor;
  let hidden: FeedForwardPass['hidden'];
  let argument: FeedForwardPass['argument'];
  let gated: FeedForwardPass['gated'] = null;
  if (gate !== null) {
    gated = { gate, ofUp: await through(up), activated: await through(gate) };
    hidden = product(gated.activated, gated.ofUp);
  } else if (drop === null) {
    const made = await up.kernel.run({ input, weights: up.weights }, { ...run, resident: true });
    hidden = kept.add(made.output);
    argument = made.argument && kept.add(made.argument);
    if (drops !== null) hidden = await drops.forward(dropped!.stream ?? 0, hidden, run);
  } else {
    const made = await up.kernel.run({ input, weights: up.weights }, run);
    ({ output: hidden, argument } = made as { output: FloatTensor; argument?: FloatTensor });
  }
  if (drop !== null) hidden = drop(hidden as FloatTensor);
  const { output } = await down.kernel.run({ input: hidden, weights: down.weights }, run);
  const isFused = isGated(parameters) && !isGatedHere;
  const stream = dropped?.stream ?? 0;
  return {
    kept,
    input,
    up,
    down,
    isFused,
    gated,
    drops,
    stream,
    drop,
    argument,
    hidden,
    output: output as FloatTensor,
  };
}

async function gradientOn(
  { kept, input, up, down, isFused, gated, drops, stream, drop, argument, hidden }: FeedForwardPass,
  dOutput: FloatTensor,
): Promise<LinearGradients> {
  const before = (
    { kernel, weights }: Used,
    d: FloatTensor | ResidentTensor,
  ): Promise<KernelGradients<Tensor>> => kernel.gradient({ input, weights }, { dOutput: d, argument });
  if (gated === null && drop === null) {
    const there = await down.kernel.gradient(
      { input: hidden, weights: down.weights },
      { dOutput },
      { resident: true },
    );
    for (const tensor of [there.dInput, there.dWeight, there.dBias]) if (tensor) kept.add(tensor);
    const ofUp = await before(up, drops === null ? there.dInput : await drops.back(stream, there.dInput));
    const ofDown = {
      dWeight: await there.dWeight.read(),
      ...(there.dBias && { dBias: await there.dBias.read() }),
    };
    return {
      dInput: ofUp.dInput as FloatTensor,
      parameters: { ...(isFused ? namedHalves(ofUp) : named('up', ofUp)), ...named('down', ofDown) },
    };
  }
  const ofDown = await down.kernel.gradient({ input: hidden, weights: down.weights }, { dOutput });
  const dInput = ofDown.dInput as FloatTensor;
  const dHidden = drop === null ? dInput : drop(dInput);
  if (gated === null) {
    const ofUp = await before(up, dHidden);
    return {
      dInput: ofUp.dInput as FloatTensor,
      parameters: { ...named('up', ofUp), ...named('down', ofDown) },
    };
  }
  const ofUp = await before(up, product(dHidden, gated.activated));
  const ofGate = await before(gated.gate, product(dHidden, gated.ofUp));
  return {
    dInput: sum(ofUp.dInput as FloatTensor, ofGate.dInput as FloatTensor),
    parameters: { ...named('up', ofUp), ...named('gate', ofGate), ...named('down', ofDown) },
  };
}

function named(
  name: string,
  { dWeight, dBias }: Pick<KernelGradients<Tensor>, 'dWeight' | 'dBias'>,
): NamedTensors {
  return { [`${name}.weight`]: dWeight, ...(dBias && { [`${name}.bias`]: dBias }) } as NamedTensors;
}
