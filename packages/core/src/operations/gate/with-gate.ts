import type {
  LinearDefinition,
  LinearKernelDefinition,
  OutputAndArgument,
} from '../../backend/linear/guard.ts';
import type { NativeTensor } from '../../backend/memory.ts';
import { type HostViews, addOnHost } from '../../backend/operations/host-views.ts';
import { CURVES } from '../../linear/activation.ts';
import type { LinearGradients, LinearProblem } from '../../linear/contract.ts';
import type { StoredWeight } from '../../linear/stored.ts';
import type { ComputeDType, Tensor } from '../../tensor.ts';

/** Packed weights of both halves. */
interface Halves {
  readonly gate: object;
  readonly up: object;
}

type Kernel<N extends NativeTensor> = LinearKernelDefinition<N>;
type Data = Float64Array;

/**
 * Linear projections of a backend with gates besides (`linear.gate`): each half is a projection of the backend, the first with the
 * activation, and JavaScript multiplies them in the engine's memory. For engines whose tensors JavaScript can see.
 *
 * @param definition compiles problems without a gate.
 */
export function withGate<N extends NativeTensor>(
  definition: LinearDefinition<N>,
  views: HostViews<N>,
): LinearDefinition<N> {
  return {
    ...definition,
    gates: true,
    compile: (problem) => (problem.gate ? gated(definition, views, problem) : definition.compile(problem)),
  };
}

async function gated<N extends NativeTensor>(
  definition: LinearDefinition<N>,
  views: HostViews<N>,
  problem: Required<LinearProblem>,
): Promise<Kernel<N>> {
  const { view, free } = views;
  const { activation } = problem;
  const plain = { ...problem, gate: false };
  const keeps = problem.argument && activation !== null;
  const ofGate = await definition.compile({ ...plain, argument: keeps });
  const ofUp = await definition.compile({ ...plain, activation: null, argument: false });
  const add = addOnHost(views);
  const numbers = (native: N): Data => view(native).data as Data;

  type Options = Parameters<Kernel<N>['run']>[2];
  type Own = (native: N) => N;

  /** Both factors, and the argument of the first where it has one. */
  const factorsOf = async (own: Own, input: N, weights: object, options: Options): Promise<Factors<N>> => {
    const { gate, up } = weights as Halves;
    if (!keeps)
      return {
        gate: own(await ofGate.run(input, gate, options)),
        up: own(await ofUp.run(input, up, options)),
      };
    const { output, argument } = await ofGate.runWithArgument!(input, gate, options);
    const ofArgument = own(argument);
    return { gate: own(output), ofArgument, up: own(await ofUp.run(input, up, options)) };
  };

  /** The same from the argument of both. */
  const factorsFrom = async (own: Own, argument: N, options: Options): Promise<Factors<N>> => {
    const first = own(sideOf(views, argument, 0));
    const up = own(sideOf(views, argument, 1));
    if (activation === null) return { gate: first, up };
    if (ofGate.activate) return { gate: own(await ofGate.activate(first, options)), ofArgument: first, up };
    const gate = own(sideOf(views, argument, 0));
    const data = numbers(gate);
    const { at } = CURVES[activation];
    for (let n = 0; n < data.length; n++) data[n] = at(data[n]!);
    return { gate, ofArgument: first, up };
  };

  const multiplied = ({ gate, up }: Factors<N>, residual: N | undefined): N => {
    const [to, from] = [numbers(gate), numbers(up)];
    const { length } = to;
    for (let n = 0; n < length; n++) to[n]! *= from[n]!;
    if (residual !== undefined) add(gate, residual);
    return gate;
  };

  return {
    async pack({ weight, bias }) {
      const half = (native: N, n: 0 | 1): N => halfOf(views, native, n);
      const packHalf = async (kernel: Kernel<N>, n: 0 | 1): Promise<object> => {
        const made: N[] = [];
        try {
          for (const native of [weight, bias]) if (native) made.push(half(native, n));
          return await kernel.pack({ weight: made[0]!, bias: made[1] });
        } finally {
          made.forEach(free);
        }
      };
      return packedBy(ofGate, packHalf, ofUp);
    },
    packStored: ({ weight, bias }) =>
      packedBy(
        ofGate,
        async (kernel, n) => {
          const ofBias = bias && halfOf(views, bias, n);
          try {
            return await kernel.packStored!({ weight: storedHalf(weight, n), bias: ofBias });
          } finally {
            if (ofBias) free(ofBias);
          }
        },
        ofUp,
      ),
    free(weights) {
      const { gate, up } = weights as Halves;
      ofGate.free?.(gate);
      ofUp.free?.(up);
    },
    async run(input, weights, options, residual) {
      const { output } = await owning(views, async (own) => ({
        output: multiplied(await factorsOf(own, input, weights, options), residual),
      }));
      return output;
    },
    ...(problem.argument && {
      runWithArgument: (input, weights, options, residual): Promise<OutputAndArgument<N>> =>
        owning(views, async (own) => {
          const factors = await factorsOf(own, input, weights, options);
          const argument = own(sideBySide(views, factors.ofArgument ?? factors.gate, factors.up));
          return { output: multiplied(factors, residual), argument };
        }),
    }),
    ...(problem.gradient && {
      gradient: (input, weights, dOutput, options, dResidual, argument) =>
        owning(views, async (own) => {
          const factors = argument
            ? await factorsFrom(own, argument, options)
            : await factorsOf(own, input, weights, options);
          const { gate, up, ofArgument } = factors;
          const [ofFirst, ofSecond, d] = [numbers(gate), numbers(up), numbers(dOutput)];
          for (let n = 0; n < d.length; n++) {
            const gradient = d[n]!;
            // Rows that had no influence may hold NaN.
            ofFirst[n] = gradient === 0 ? 0 : gradient * ofFirst[n]!;
            ofSecond[n] = gradient === 0 ? 0 : gradient * ofSecond[n]!;
          }
          const halves = weights as Halves;
          const first = await ofGate.gradient!(input, halves.gate, up, options, dResidual, ofArgument);
          try {
            const second = await ofUp.gradient!(input, halves.up, gate, options);
            try {
              return joined(views, first, second);
            } finally {
              freeAll(views, second);
            }
          } catch (error) {
            free(first.dInput);
            throw error;
          } finally {
            const { dInput: _, ...others } = first;
            freeAll(views, others);
          }
        }),
    }),
    dispose: async () => {
      await ofGate.dispose?.();
      await ofUp.dispose?.();
    },
  };
}

/** Both factors of a gate. */
interface Factors<N> {
  readonly gate: N;
  readonly up: N;
  /** The argument of the activation of `gate`. */
  readonly ofArgument?: N;
}

/** Works on tensors of its own; frees what is not among the results. */
async function owning<N extends NativeTensor, R extends object>(
  { free }: HostViews<N>,
  work: (own: (native: N) => N) => Promise<R>,
): Promise<R> {
  const made: N[] = [];
  let results: unknown[] = [];
  try {
    const finished = await work((native) => {
      made.push(native);
      return native;
    });
    results = Object.values(finished);
    return finished;
  } finally {
    for (const native of made) if (!results.includes(native)) free(native);
  }
}

/** Rows of two tensors side by side. */
function sideBySide<N extends NativeTensor>({ view, make }: HostViews<N>, left: N, right: N): N {
  const width = left.shape.at(-1)!;
  const both = make(left.dtype as ComputeDType, [...left.shape.slice(0, -1), 2 * width]);
  const [to, ...from] = [both, left, right].map((native) => view(native).data as Data);
  for (let at = 0; at < from[0]!.length; at += width)
    from.forEach((data, n) => to!.set(data.subarray(at, at + width), 2 * at + n * width));
  return both;
}

/** A copy of one of two tensors that lie side by side. */
function sideOf<N extends NativeTensor>({ view, make }: HostViews<N>, both: N, n: 0 | 1): N {
  const width = both.shape.at(-1)! / 2;
  const side = make(both.dtype as ComputeDType, [...both.shape.slice(0, -1), width]);
  const [to, from] = [side, both].map((native) => view(native).data as Data) as [Data, Data];
  for (let at = 0; at < to.length; at += width)
    to.set(from.subarray(2 * at + n * width, 2 * at + (n + 1) * width), at);
  return side;
}

/** Packs both halves; what was packed is freed if the second fails. */
async function packedBy<N extends NativeTensor>(
  ofGate: Kernel<N>,
  pack: (kernel: Kernel<N>, n: 0 | 1) => Promise<object>,
  ofUp: Kernel<N>,
): Promise<Halves> {
  const gate = await pack(ofGate, 0);
  try {
    return { gate, up: await pack(ofUp, 1) };
  } catch (error) {
    ofGate.free?.(gate);
    throw error;
  }
}

/** A copy of the upper or lower half of a tensor. */
function halfOf<N extends NativeTensor>({ view, make }: HostViews<N>, native: N, n: 0 | 1): N {
  const [length, ...rest] = native.shape as [number, ...number[]];
  const half = make(native.dtype as ComputeDType, [length / 2, ...rest]);
  const data = view(half).data as Data;
  data.set((view(native).data as Data).subarray(n * data.length, (n + 1) * data.length));
  return half;
}

/** The upper or lower half of a plain weight. */
function storedHalf(weight: StoredWeight, n: 0 | 1): StoredWeight {
  const [length, width] = weight.shape as [number, number];
  const data = weight.data as Uint8Array;
  const size = data.length / 2;
  return {
    ...weight,
    shape: [length / 2, width],
    data: data.subarray(n * size, (n + 1) * size),
  } as StoredWeight;
}

type Gradients<N> = LinearGradients<N>;

/** The gradients of both halves as one: those of the input are added, into the first. */
function joined<N extends NativeTensor>(
  views: HostViews<N>,
  first: Gradients<N>,
  second: Gradients<N>,
): Gradients<N> {
  const { view, make } = views;
  addOnHost(views)(first.dInput, second.dInput);
  const below = (upper: N, lower: N): N => {
    const [length, ...rest] = upper.shape as [number, ...number[]];
    const both = make(upper.dtype as ComputeDType, [2 * length, ...rest]);
    const { data } = view(both) as Tensor<'float64'>;
    data.set(view(upper).data as Data);
    data.set(view(lower).data as Data, data.length / 2);
    return both;
  };
  const dWeight = below(first.dWeight, second.dWeight);
  try {
    const dBias = first.dBias && below(first.dBias, second.dBias!);
    return { dInput: first.dInput, dWeight, ...(dBias && { dBias }) };
  } catch (error) {
    views.free(dWeight);
    throw error;
  }
}

function freeAll<N extends NativeTensor>({ free }: HostViews<N>, tensors: Partial<Gradients<N>>): void {
  for (const native of Object.values<N | undefined>(tensors)) if (native) free(native);
}
