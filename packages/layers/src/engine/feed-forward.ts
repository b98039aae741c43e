import type {
  AttentionBackend,
  LinearGradients as KernelGradients,
  ResidentTensor,
  RunOptions,
  Tensor,
} from '@heed/core';
import type { Activation } from '../activation/activation.ts';
import type { LinearGradients } from '../matrix/linear.ts';
import type { NamedTensors } from '../parameters.ts';
import { type FloatTensor, product, sum } from '../tensors.ts';
import { type Kept, type Pass, gradientOf, passing } from './kept.ts';
import type { Projection, Projections } from './projections.ts';

/** A feed-forward layer, as far as the engine needs it. */
interface Layer {
  readonly parameters: NamedTensors;
  readonly projections: Projections;
  readonly activation: Activation;
}

interface Asked {
  readonly gradient: boolean;
  readonly run: RunOptions;
  /** Dropout of what is between the projections, or null. */
  readonly drop: ((value: FloatTensor) => FloatTensor) | null;
}

type Used = Awaited<Projection['ready']>;

/** A forward pass in the engine. */
interface FeedForwardPass extends Pass {
  readonly input: ResidentTensor;
  readonly up: Used;
  readonly down: Used;
  /** With a gate: it, and the two factors. */
  readonly gated: { readonly gate: Used; readonly ofUp: FloatTensor; readonly activated: FloatTensor } | null;
  /** Input of the last projection. */
  readonly hidden: ResidentTensor | FloatTensor;
  readonly output: FloatTensor;
}

/** A feed-forward layer in the memory of an engine. No operation multiplies two tensors or drops: gates and dropout are computed here. */
export async function feedForwardOn(
  backend: AttentionBackend,
  layer: Layer,
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
    return { output, gradient: gradientOf(pass, run, (mine, d: FloatTensor) => gradientOn(mine, d, asked)) };
  pass.kept.dispose();
  return { output };
}

async function passOn(
  backend: AttentionBackend,
  { parameters, projections, activation }: Layer,
  given: FloatTensor,
  { gradient, run, drop }: Asked,
  kept: Kept,
): Promise<FeedForwardPass> {
  const isGated = 'gate.weight' in parameters;
  const use = (name: string, its: Activation | null): Projection['ready'] =>
    kept.add(
      projections.use(backend, name, {
        weight: parameters[`${name}.weight`],
        bias: parameters[`${name}.bias`],
        activation: its,
        gradient,
      }),
    ).ready;
  // Read before the first await: these are the parameters of this call.
  const [up, down, gate] = await Promise.all([
    use('up', isGated ? null : activation),
    use('down', null),
    isGated ? use('gate', activation) : null,
  ]);
  const input = kept.add(await backend.upload(given));
  const through = async ({ kernel, weights }: Used): Promise<FloatTensor> =>
    (await kernel.run({ input, weights }, run)).output as FloatTensor;
  let hidden: FeedForwardPass['hidden'];
  let gated: FeedForwardPass['gated'] = null;
  if (gate !== null) {
    gated = { gate, ofUp: await through(up), activated: await through(gate) };
    hidden = product(gated.activated, gated.ofUp);
  } else if (drop === null) {
    const { output } = await up.kernel.run({ input, weights: up.weights }, { ...run, resident: true });
    hidden = kept.add(output);
  } else {
    hidden = await through(up);
  }
  if (drop !== null) hidden = drop(hidden as FloatTensor);
  const { output } = await down.kernel.run({ input: hidden, weights: down.weights }, run);
  return { kept, input, up, down, gated, hidden, output: output as FloatTensor };
}

async function gradientOn(
  { kept, input, up, down, gated, hidden }: FeedForwardPass,
  dOutput: FloatTensor,
  { drop }: Asked,
): Promise<LinearGradients> {
  const before = (
    { kernel, weights }: Used,
    d: FloatTensor | ResidentTensor,
  ): Promise<KernelGradients<Tensor>> => kernel.gradient({ input, weights }, { dOutput: d });
  if (gated === null && drop === null) {
    const there = await down.kernel.gradient(
      { input: hidden, weights: down.weights },
      { dOutput },
      { resident: true },
    );
    for (const tensor of [there.dInput, there.dWeight, there.dBias]) if (tensor) kept.add(tensor);
    const ofUp = await before(up, there.dInput);
    const ofDown = {
      dWeight: await there.dWeight.read(),
      ...(there.dBias && { dBias: await there.dBias.read() }),
    };
    return {
      dInput: ofUp.dInput as FloatTensor,
      parameters: { ...named('up', ofUp), ...named('down', ofDown) },
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
