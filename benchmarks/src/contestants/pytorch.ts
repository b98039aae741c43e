import { fileURLToPath } from 'node:url';
import { HeedError, type Tensor } from '@heed/core';
import type { Contestant, PreparedContestant, WorkloadResults } from '../contestant.ts';
import { attendedPairs } from '../workload/pairs.ts';
import { type WorkloadRequest, outputGradientOf } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';
import { type LineProcess, startLineProcess } from '@heed/peers';

const PYTHON = 'python3';
const SERVER = fileURLToPath(new URL('../../python/attention_server.py', import.meta.url));

/** Started once for the lifetime of this process: importing torch takes seconds. */
let server: LineProcess | null = null;

/** PyTorch's `scaled_dot_product_attention`, in a Python that times itself. Its output stays there. */
const pytorch: Contestant = {
  name: 'PyTorch',
  async probe() {
    server ??= startLineProcess(PYTHON, [SERVER]);
    try {
      await ask(server, { kind: 'hello' });
      return { available: true };
    } catch {
      return {
        available: false,
        reason: `torch cannot be imported by ${PYTHON}`,
        remedy: `${PYTHON} -m pip install torch, or put a Python that has it first on the PATH`,
      };
    }
  },
  prepare,
  processId: () => server!.pid,
};
export default pytorch;

interface Ready {
  readonly version: string;
  readonly capability: string;
}

async function prepare(
  workload: Workload,
  request: WorkloadRequest,
  { threads }: { readonly threads: number },
): Promise<PreparedContestant> {
  const { version, capability } = await ask<Ready>(server!, ...preparation(workload, request, threads));
  const turn = async (milliseconds: number): Promise<readonly number[]> =>
    (await ask<{ samplesMs: number[] }>(server!, { kind: 'turn', milliseconds })).samplesMs;
  return {
    device: `PyTorch ${version}, CPU ${capability}, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    threads,
    turn,
    run: async () => void (await turn(0)),
    results: () => resultsOf(workload),
    dispose: async () => undefined,
  };
}

type Arrays = [name: string, shape: readonly number[], dtype: string][];

function preparation(
  workload: Workload,
  { query, key, value }: WorkloadRequest,
  threads: number,
): [header: object, data: (Float32Array | Uint8Array)[]] {
  const { queryLength, keyLength, causal, window, mask } = workload;
  // Its causal mask is aligned top left and cannot be combined with another mask.
  const own = causal && window === null && !mask && queryLength === keyLength;
  const pairs = own || queryLength === 1 ? null : attendedPairs(workload);
  const inputs: [string, Tensor<'float32' | 'bool'>][] = [
    ['query', query],
    ['key', key],
    ['value', value],
    ...(pairs
      ? [
          ['mask', { dtype: 'bool', shape: [queryLength, keyLength], data: pairs }] as [
            string,
            Tensor<'bool'>,
          ],
        ]
      : []),
    ...(workload.gradient ? [['dOutput', outputGradientOf(workload)] as [string, Tensor<'float32'>]] : []),
  ];
  const arrays: Arrays = inputs.map(([name, { shape, dtype }]) => [name, shape, dtype]);
  const gqa = workload.heads !== workload.kvHeads;
  return [{ kind: 'prepare', threads, causal: own, gqa, arrays }, inputs.map(([, { data }]) => data)];
}

async function resultsOf(workload: Workload): Promise<WorkloadResults> {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = workload;
  const { bytes } = await ask<{ bytes: number }>(server!, { kind: 'results' });
  const data = new Float32Array(Uint8Array.from(await server!.read(bytes)).buffer);
  const shapes = [
    [batch, heads, queryLength, valueDim],
    [batch, heads, queryLength, headDim],
    [batch, kvHeads, keyLength, headDim],
    [batch, kvHeads, keyLength, valueDim],
  ];
  let at = 0;
  const [output, dQuery, dKey, dValue] = shapes.slice(0, workload.gradient ? 4 : 1).map((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { dtype: 'float32' as const, shape, data: data.slice(at, (at += size)) };
  });
  return { output, ...(dQuery && { dQuery, dKey, dValue }) } as WorkloadResults;
}

/** Sends a request, and the arrays that it announces. @throws HeedError `ENGINE` with Python's own words. */
async function ask<T>(
  to: LineProcess,
  header: object,
  data: readonly (Float32Array | Uint8Array)[] = [],
): Promise<T> {
  to.write(`${JSON.stringify(header)}\n`);
  for (const array of data) to.write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const answer = JSON.parse(await to.readLine()) as T & { readonly error?: string };
  if (answer.error !== undefined) throw new HeedError('ENGINE', answer.error);
  return answer;
}
