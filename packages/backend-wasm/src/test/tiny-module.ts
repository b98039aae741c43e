import {
  type Code,
  ModuleBuilder,
  type Variable,
  convert,
  drop,
  f64,
  i32,
  int,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { ITEM_PARAMETERS } from '../module/context.ts';

/** Cells of the first kind: as many tasks there may be. */
const CELLS = 14;

/**
 * Kernels whose faults show. The frame has how many rounds a task takes, then a cell for each of up to 14 tasks, then
 * another.
 */
export function tinyModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const cell = (frame: Code<'i32'>, n: Code<'i32'>): Code<'i32'> => i32.add(frame, i32.mul(n, int(4)));
  const countDown = (n: Variable<'i32'>): Code<'none'> => n.set(i32.sub(n, int(1)));

  // Takes its time, then adds 1 to the task's first cell.
  module.function({ parameters: ITEM_PARAMETERS, name: 'count' }, (body, task, frame) => {
    const n = body.local('i32');
    return [
      n.set(i32.load(frame)),
      whileTrue(n, countDown(n)),
      i32.store(cell(frame, task), i32.add(i32.load(cell(frame, task), 4), int(1)), 4),
    ];
  });

  // The sum of all first cells, to the task's second cell.
  module.function({ parameters: ITEM_PARAMETERS, name: 'sum' }, (body, task, frame) => {
    const [n, sum] = body.locals('i32', 2);
    return [
      n.set(int(CELLS)),
      whileTrue(n, [sum.set(i32.add(sum, i32.load(cell(frame, n)))), countDown(n)]),
      i32.store(cell(frame, task), sum, 4 * (CELLS + 1)),
    ];
  });

  // Task 3 fails: −1 is not an unsigned integer.
  module.function({ parameters: ITEM_PARAMETERS, name: 'fail' }, (_, task) =>
    when(i32.eq(task, int(3)), drop(convert.i32FromF64U(f64.const(-1)))),
  );

  return module.build(shared ? 'shared' : 'unshared');
}
