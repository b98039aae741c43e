import {
  type AttentionInputs,
  type AttentionProblem,
  type FloatDType,
  HeedError,
  type Tensor,
  cast,
} from '@heed/core';
import { type LineProcess, startLineProcess } from '../python/line-process.ts';
import { programFile } from './place.ts';

/** ggml's names of the types that keys and values may have. */
const TYPES: Readonly<Partial<Record<FloatDType, string>>> = {
  float32: 'f32',
  float16: 'f16',
  bfloat16: 'bf16',
};

/** The process of llama-cpp/attention.c. It ends at an assertion of ggml, and starts again for the next call. */
export class LlamaCppProcess {
  #process: LineProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** Version of ggml, which llama.cpp contains. */
  version(): Promise<string> {
    return this.#inTurn(async (program) => {
      program.write('version\n');
      return program.readLine();
    });
  }

  /** Calls `ggml_flash_attn_ext`. @throws HeedError `ENGINE` if the process ended, or ggml reports an error. */
  attend(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): Promise<Tensor> {
    const { line, tensors } = requestOf(problem, inputs);
    return this.#inTurn(async (program) => {
      program.write(line);
      for (const { data } of tensors) {
        program.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      const answer = await program.readLine();
      const [state, count] = answer.split(' ');
      if (state !== 'ok') {
        throw new HeedError('ENGINE', answer, { remedy: 'compare the problem with what ggml takes' });
      }
      const bytes = Uint8Array.from(await program.read(4 * Number(count)));
      return outputOf(problem, new Float32Array(bytes.buffer));
    });
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#process?.end();
    this.#process = null;
  }

  #inTurn<T>(work: (program: LineProcess) => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      this.#process ??= startLineProcess(programFile(), []);
      try {
        return await work(this.#process);
      } catch (error) {
        if (!HeedError.isInstance(error)) this.#process = null;
        throw error;
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function requestOf(
  problem: AttentionProblem,
  { query, key, value, mask, sinks }: AttentionInputs<Tensor>,
): { readonly line: string; readonly tensors: readonly Tensor[] } {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, dtype, layout } = problem;
  const masked = mask && float16Mask(problem, mask);
  const fields = [
    ...[batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim],
    TYPES[dtype],
    layout,
    problem.scale,
    problem.softcap ?? 0,
    masked?.shape[1] ?? 0,
    masked?.shape[0] ?? 0,
    sinks ? 1 : 0,
  ];
  return {
    line: `attend ${fields.join(' ')}\n`,
    tensors: [cast(query, 'float32'), key, value, masked, sinks].filter((tensor) => tensor !== undefined),
  };
}

/** Masks are float16, added, with an entry for each query and each key: −∞ where a boolean mask is false. */
function float16Mask({ mask, queryLength, keyLength }: AttentionProblem, { dtype, data }: Tensor): Tensor {
  const [batch, heads, rows, columns] = mask!.shape;
  const shape = [batch, heads, queryLength, keyLength];
  const numbers = new Float32Array(batch * heads * queryLength * keyLength);
  const given =
    dtype === 'bool'
      ? Float32Array.from(data, (byte) => (byte ? 0 : -Infinity))
      : cast({ dtype, shape: [data.length], data } as Tensor<'float32'>, 'float32').data;
  for (let n = 0; n < numbers.length; n++) {
    const [slice, i, j] = [
      Math.floor(n / (queryLength * keyLength)),
      Math.floor(n / keyLength) % queryLength,
      n % keyLength,
    ];
    numbers[n] = given[(slice * rows + (rows === 1 ? 0 : i)) * columns + (columns === 1 ? 0 : j)]!;
  }
  const result = cast({ dtype: 'float32', shape, data: numbers }, 'float16');
  if (cast(result, 'float32').data.some((number, n) => !Object.is(number, numbers[n]))) {
    throw new HeedError(
      'ENGINE',
      'ggml takes masks of float16; this one has numbers that float16 does not have',
      {
        remedy: 'give a mask of numbers that float16 has',
      },
    );
  }
  return result;
}

/** The output comes as float32 `[B, L, H, D]`, whatever the layout of the inputs. */
function outputOf(
  { batch, heads, queryLength, valueDim, layout, dtype }: AttentionProblem,
  rows: Float32Array,
): Tensor {
  if (layout === 'blhd') {
    return cast({ dtype: 'float32', shape: [batch, queryLength, heads, valueDim], data: rows }, dtype);
  }
  const data = new Float32Array(rows.length);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) {
        const from = ((b * queryLength + i) * heads + h) * valueDim;
        data.set(rows.subarray(from, from + valueDim), ((b * heads + h) * queryLength + i) * valueDim);
      }
    }
  }
  return cast({ dtype: 'float32', shape: [batch, heads, queryLength, valueDim], data }, dtype);
}
