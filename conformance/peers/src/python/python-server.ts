import { fileURLToPath } from 'node:url';
import { type AttentionInputs, type AttentionProblem, HeedError, type Tensor } from '@heed/core';
import { type EnvironmentName, interpreterOf } from './environment.ts';
import { type LineProcess, startLineProcess } from './line-process.ts';

const SERVER = fileURLToPath(new URL('../../python/server.py', import.meta.url));
const ARRAYS = {
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
};

type Announced = readonly [name: string, shape: readonly number[], dtype: keyof typeof ARRAYS];

/** One Python process for all peers of an environment: importing a library takes seconds. */
export class PythonServer {
  readonly #environment: EnvironmentName;
  #process: LineProcess | null = null;
  #users = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(environment: EnvironmentName) {
    this.#environment = environment;
  }

  /** Counts one more user; the process ends with the last. */
  open(): void {
    this.#users++;
  }

  async close(): Promise<void> {
    if (--this.#users > 0) return;
    const ending = this.#process;
    this.#process = null;
    await ending?.end();
  }

  /** @throws HeedError `ENGINE` with Python's own words. */
  ask(header: object, inputs: AttentionInputs<Tensor> | object = {}): Promise<PythonAnswer> {
    const answer = this.#last.then(() => this.#askNow(header, inputs));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #askNow(header: object, inputs: object): Promise<PythonAnswer> {
    const python = (this.#process ??= startLineProcess(interpreterOf(this.#environment), [
      '-W',
      'ignore',
      SERVER,
    ]));
    try {
      const tensors = Object.entries(inputs) as [string, Tensor][];
      const arrays = tensors.map(([name, { shape, dtype }]) => [name, shape, dtype]);
      python.write(`${JSON.stringify({ ...header, arrays })}\n`);
      for (const [, { data }] of tensors) {
        python.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      const { error, version, arrays: announced = [] } = JSON.parse(await python.readLine()) as Answer;
      if (error !== undefined) {
        throw new HeedError('ENGINE', error, {
          remedy: 'compare the problem with what the library takes in this version',
        });
      }
      return { version: version ?? '', results: await readArrays(python, announced) };
    } catch (error) {
      if (!HeedError.isInstance(error)) this.#process = null;
      throw error;
    }
  }
}

interface Answer {
  readonly error?: string;
  readonly version?: string;
  readonly arrays?: readonly Announced[];
}

interface PythonAnswer {
  readonly version: string;
  readonly results: Readonly<Record<string, Tensor>>;
}

async function readArrays(
  python: LineProcess,
  announced: readonly Announced[],
): Promise<Record<string, Tensor>> {
  const results: Record<string, Tensor> = {};
  for (const [name, shape, dtype] of announced) {
    const Kind = ARRAYS[dtype];
    const size = shape.reduce((product, length) => product * length, 1);
    const bytes = Uint8Array.from(await python.read(size * Kind.BYTES_PER_ELEMENT));
    results[name] = { dtype, shape, data: new Kind(bytes.buffer) } as Tensor;
  }
  return results;
}

const servers = new Map<EnvironmentName, PythonServer>();

export function pythonServer(environment: EnvironmentName): PythonServer {
  const known = servers.get(environment) ?? new PythonServer(environment);
  servers.set(environment, known);
  return known;
}

/** Content of a request for attention. */
export const attendRequest = (peer: string, problem: AttentionProblem): object => ({
  kind: 'attend',
  peer,
  problem,
});
