import type { LinearGradients, Tensor } from '@heed/core';
import type { Subject } from '../../../case.ts';
import { withBackend } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { type LinearSetting, withWeights } from './sketch.ts';

/** Some rows of a matrix, as a matrix. */
export function rowsOf({ dtype, shape, data }: Tensor, first: number, end: number): Tensor {
  const width = shape[1]!;
  return { dtype, shape: [end - first, width], data: data.slice(first * width, end * width) } as Tensor;
}

/** The output, every gradient, and the argument where the problem has it. */
export type Everything = LinearGradients<Tensor> & { readonly output: Tensor; readonly argument?: Tensor };

export function everything(
  { backend }: Pick<Subject, 'backend'>,
  setting: LinearSetting,
): Promise<Everything> {
  const { input, dOutput } = setting;
  return withWeights(backend, setting, async (kernel, weights) => {
    const results = await kernel.run({ input, weights });
    const { argument } = results;
    const back = argument === undefined ? { dOutput } : { dOutput, argument };
    return { ...results, ...(await kernel.gradient({ input, weights }, back)) };
  });
}

type LinearSubject = Subject & { readonly setting: LinearSetting };

/** Checks that some of 29 rows alone have the bits that they have among all. */
export async function checkRowsAlone(subject: LinearSubject): Promise<void> {
  const { setting } = subject;
  const all = await everything(subject, setting);
  for (const [first, end] of [
    [0, 1],
    [3, 5],
    [17, 29],
  ] as const) {
    const part = (rows: Tensor): Tensor => rowsOf(rows, first, end);
    const alone = await everything(subject, {
      ...setting,
      input: part(setting.input),
      dOutput: part(setting.dOutput),
    });
    const named = ({ output, dInput, argument }: Everything, of = (rows: Tensor): Tensor => rows) => ({
      output: of(output),
      dInput: of(dInput),
      ...(argument && { argument: of(argument) }),
    });
    ensureSameBits(named(alone), named(all, part), `rows ${first} … ${end - 1} alone`);
  }
}

/** Checks that runs at the same time, and on a second backend, have the bits of a run. */
export async function checkRepeat(subject: LinearSubject, first: Everything): Promise<void> {
  const { setting } = subject;
  const more = Array.from({ length: 3 }, () => everything(subject, setting));
  for (const again of await Promise.all(more))
    ensureSameBits({ ...again }, { ...first }, 'runs that overlap');
  await withBackend(subject, async (backend) => {
    ensureSameBits({ ...(await everything({ backend }, setting)) }, { ...first }, 'a second backend');
  });
}
