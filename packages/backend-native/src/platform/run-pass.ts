import { HeedError, type HeedErrorCode, type Origin, type Tensor } from '@heed/core';
import { fixedMemory } from '../memory/plain-memory.ts';
import { type Binding, type CompiledKernel, OPERANDS, type OperandName } from './binding.ts';

/** Inputs of a pass, by name; the seed is a number, and the origin four. */
export type Inputs = Readonly<Record<string, Tensor | Origin | number | undefined>>;

const REMEDIES: Readonly<Partial<Record<string, string>>> = {
  OUT_OF_MEMORY: 'make the batch smaller, or call with fewer heads at a time',
  SHAPE: 'leave buffers of inputs with this thread until the promise settles',
  ENGINE: 'raise the limit of threads of this process, or use fewer',
};

const NO_ORIGIN: Origin = { batch: 0, head: 0, query: 0, key: 0 };

/**
 * Runs a pass of a kernel.
 *
 * @param results filled when the promise settles.
 * @throws the signal's reason; HeedError `OUT_OF_MEMORY`, `ENGINE`.
 */
export async function runPass(
  binding: Binding,
  kernel: CompiledKernel,
  isGradient: boolean,
  inputs: Inputs,
  results: Readonly<Record<string, Tensor>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const operands = OPERANDS.map((name) => operandOf(name, inputs, results));
  await untilStopped(signal, (stop) => binding.run(kernel, isGradient, operands, noiseOf(inputs), stop));
}

function noiseOf(inputs: Inputs): Uint32Array {
  const seed = (inputs['seed'] as number | undefined) ?? 0;
  const { batch, head, query, key } = (inputs['origin'] as Origin | undefined) ?? NO_ORIGIN;
  return Uint32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32), batch, head, query, key);
}

/**
 * Awaits work of the native file, which an abort ends early.
 *
 * @param begin starts it; the work ends early once the given number is not 0.
 * @throws the signal's reason; HeedError `OUT_OF_MEMORY`, `ENGINE`.
 */
export async function untilStopped(
  signal: AbortSignal | undefined,
  begin: (stop: Int32Array) => Promise<void> | undefined,
): Promise<void> {
  const stop = new Int32Array(1);
  const end = (): void => void (stop[0] = 1);
  try {
    const running = begin(stop);
    if (running === undefined) return;
    signal?.addEventListener('abort', end);
    await running;
    signal?.throwIfAborted();
  } catch (error) {
    throw inHeedsWords(error);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

function operandOf(
  name: OperandName,
  inputs: Inputs,
  results: Readonly<Record<string, Tensor>>,
): ArrayBufferView | undefined {
  const result = results[name];
  if (result !== undefined) return result.data;
  const input = inputs[name] as Tensor | undefined;
  return input && fixedMemory(input);
}

/** Returns the error of the native file as one of ours, with its remedy; others unchanged. */
export function inHeedsWords(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  const remedy = code === undefined || HeedError.isInstance(error) ? undefined : REMEDIES[code];
  if (remedy === undefined) return error;
  return new HeedError(code as HeedErrorCode, `native: ${message}`, { cause: error, remedy });
}
