import { HeedError } from '@heed/core';
import type { Gpu, GpuKernel, KernelClass } from './gpu-library.ts';
import { type Program, type ValuesOf, sourceOf } from './program.ts';

export type Launch<B> = <P extends Program>(
  program: P,
  output: readonly number[],
  values: ValuesOf<P, B>,
) => Promise<unknown>;

export interface LauncherOptions<B> {
  readonly gpu: Gpu;
  readonly mode: string;
  /** gpu.js's class of the mode's compiled programs: any other is a fallback. */
  readonly kernelClass: KernelClass;
  /** gpu.js's name for the type of a program's arrays. */
  readonly arrayType: string;
  /** An array as a program takes it. */
  argument(array: B): unknown;
  /** Further settings of gpu.js. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/**
 * Runs programs: each is compiled at its first launch and kept. Lengths are arguments, so that the same programs serve
 * every problem.
 */
export function launcher<B>(options: LauncherOptions<B>): Launch<B> {
  const compiled = new Map<Program, GpuKernel>();
  let last: Promise<unknown> = Promise.resolve();

  const launch = async (
    program: Program,
    output: readonly number[],
    values: ValuesOf<Program, B>,
  ): Promise<unknown> => {
    const run = compiled.get(program) ?? compile(program, output, options);
    compiled.set(program, run);
    run.setOutput([...output]);
    const named = values as Readonly<Record<string, unknown>>;
    const result = await run(
      ...program.arrays.map((name) => options.argument(named[name] as B)),
      ...[...program.integers, ...program.numbers].map((name) => named[name]),
    );
    checkFallback(run, program, options);
    return result;
  };

  return (program, output, values) => {
    // One at a time: a program that is still being built would take the output size of the next launch.
    const result = last.then(() => launch(program, output, values as ValuesOf<Program, B>));
    last = result.catch(() => undefined);
    return result.catch((cause: unknown) => {
      // JavaScript reports a lack of memory as a RangeError, which the guard of the call recognizes.
      if (HeedError.isInstance(cause) || cause instanceof RangeError) throw cause;
      // The text of a shader that does not compile follows its errors.
      const [message] = (cause as Error).message.split('\n--- generated');
      throw new HeedError('ENGINE', `gpu.js ${options.mode}, program ${program.name}: ${message}`, { cause });
    });
  };
}

function compile<B>(
  program: Program,
  output: readonly number[],
  { gpu, arrayType, settings }: LauncherOptions<B>,
): GpuKernel {
  return gpu.createKernel(sourceOf(program), {
    // Explicit types: otherwise gpu.js infers the type of 1 from its value, and recompiles if the next is 1.5.
    argumentTypes: [
      ...program.arrays.map(() => arrayType),
      ...program.integers.map(() => 'Integer'),
      ...program.numbers.map(() => 'Float'),
    ],
    returnType: 'Number',
    output: [...output],
    dynamicOutput: true,
    dynamicArguments: true,
    // Results stay on the device, and each is an array of its own.
    pipeline: true,
    immutable: true,
    precision: 'single',
    // Loops end silently here.
    loopMaxIterations: 2 ** 30,
    ...settings,
  });
}

/** Detects a fallback: if a program does not compile, gpu.js continues in another mode with only a console message. */
function checkFallback<B>(run: GpuKernel, program: Program, { mode, kernelClass }: LauncherOptions<B>): void {
  const { constructor, fallbackReason } = run.kernel;
  if (constructor === kernelClass && fallbackReason === null) return;
  throw new HeedError(
    'ENGINE',
    `gpu.js left the mode ${mode} in program ${program.name}: ${fallbackReason ?? (constructor as { name: string }).name}`,
    { remedy: 'create the backend in another mode' },
  );
}
