import {
  type AttentionInputs,
  type AttentionKernel,
  type AttentionProblem,
  type Tensor,
  resolveRequest,
} from '@heed/core';
import { writeSlices } from '@heed/core/backend';
import type { CaseRequest } from '../case-request.ts';
import type { ExpectedValues, SequenceCase, Subject } from '../case.ts';
import { expectationOf } from '../judge/expectation.ts';
import { judgeResults } from '../judge/judge.ts';
import type { PlainInputs } from '../judge/naive-scores.ts';
import type { FileCase } from './case-file.ts';
import { purposeOf } from './checked-case.ts';
import { clauseOfProblem } from './clause-of-problem.ts';
import { errorAt } from './place.ts';

/** A key and a value of the same rows. */
interface Rows {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** One call on the cache. */
export interface SequenceStep {
  /** In its file, for errors. */
  readonly place: string;
  /** Written into the cache before the call. */
  readonly write: (Rows & { readonly start: number }) | undefined;
  /** Its key and value are the cache's, before any write. */
  readonly request: CaseRequest;
  readonly expected: ExpectedValues;
}

/**
 * Calls on one key/value cache: uploaded once at full capacity, one kernel for all calls.
 *
 * @throws HeedError `ARGUMENT` when a step is not the same problem as the first, `SHAPE` or `DTYPE` when rows do not
 * fit in the cache.
 */
export function cacheSequence(
  id: string,
  { clause, purpose }: Pick<FileCase, 'clause' | 'purpose'>,
  steps: readonly [SequenceStep, ...SequenceStep[]],
): SequenceCase {
  const { problem } = resolveRequest(steps[0].request);
  for (const { place, request, write } of steps) {
    const differences = differencesOf(problem, resolveRequest(request).problem);
    if (differences.length > 0) {
      throw errorAt(
        'ARGUMENT',
        place,
        `is another problem than the first step, and one kernel runs them all: ${differences.join('; ')}`,
      );
    }
    if (!write) continue;
    checkFits(request.key, write.key, write.start, lengthAxis(problem), `${place}.write.key`);
    checkFits(request.value, write.value, write.start, lengthAxis(problem), `${place}.write.value`);
  }
  return {
    kind: 'sequence',
    id,
    clause: clause ?? clauseOfProblem(problem),
    purpose: purpose ?? purposeOf(steps[0].expected.source),
    problem,
    run: (subject) => runSequence(problem, steps, subject),
  };
}

/** Differences of a problem from the first, field by field. */
function differencesOf(first: AttentionProblem, other: AttentionProblem): string[] {
  return (Object.keys(first) as (keyof AttentionProblem)[]).flatMap((name) => {
    const [before, after] = [first[name], other[name]].map((value) => JSON.stringify(value));
    return before === after ? [] : `${name} is ${after}, not ${before}`;
  });
}

function lengthAxis({ layout }: AttentionProblem): number {
  return layout === 'bhld' ? 2 : 1;
}

/** Checks that rows fit in the cache, from row `start` of its length axis on. */
function checkFits(
  cache: CaseRequest['key'],
  rows: Tensor,
  start: number,
  axis: number,
  place: string,
): void {
  if (rows.dtype !== cache.dtype)
    throw errorAt('DTYPE', `${place}.dtype`, `is ${rows.dtype}; expected ${cache.dtype}, as the cache`);
  const room = cache.shape.map((length, a) => (a === axis ? length - start : length));
  const fits =
    rows.shape.length === room.length &&
    rows.shape.every((length, a) => (a === axis ? length <= room[a]! : length === room[a]));
  if (!fits)
    throw errorAt(
      'SHAPE',
      `${place}.shape`,
      `is [${rows.shape.join(', ')}]; expected at most [${room.join(', ')}] from row ${start} on`,
    );
}

async function runSequence(
  problem: AttentionProblem,
  steps: readonly [SequenceStep, ...SequenceStep[]],
  { backend }: Subject,
): Promise<void> {
  // Expected content of the cache, next to the backend's.
  const plain = structuredClone({ key: steps[0].request.key, value: steps[0].request.value }) as Rows;
  const kernel = await backend.compile(problem);
  const key = await backend.upload(structuredClone(plain.key));
  const value = await backend.upload(structuredClone(plain.value));
  try {
    for (const step of steps) {
      if (step.write) {
        const { start } = step.write;
        const axis = lengthAxis(problem);
        writeSlices(plain.key, step.write.key, { axis, start });
        writeSlices(plain.value, step.write.value, { axis, start });
        await key.write(structuredClone(step.write.key), { axis, start });
        await value.write(structuredClone(step.write.value), { axis, start });
      }
      await runStep(kernel, step, plain, { key, value });
    }
  } finally {
    key.dispose();
    value.dispose();
    await kernel.dispose();
  }
}

async function runStep(
  kernel: AttentionKernel,
  { place, request, expected }: SequenceStep,
  plain: Rows,
  resident: Pick<AttentionInputs, 'key' | 'value'>,
): Promise<void> {
  const { inputs } = resolveRequest({ ...structuredClone(request), ...resident });
  const results = await kernel.run(inputs);
  const judged = expectationOf(
    kernel.problem,
    resolveRequest({ ...request, ...plain }).inputs as PlainInputs,
  );
  const faults = judgeResults(judged, results, expected).flatMap(({ fault }) => fault ?? []);
  if (faults.length > 0) throw new Error(`${place}: ${faults.join('; ')}`);
}
