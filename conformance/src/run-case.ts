import {
  type AttentionBackend,
  type AttentionProblem,
  HeedError,
  type Tensor,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from './case-request.ts';
import type { AgreementCase, BehaviorCase, ConformanceCase, SequenceCase, Subject } from './case.ts';
import type { Comparison } from './judge/compare.ts';
import { type Expectation, expectationOf } from './judge/expectation.ts';
import { judgeGradients, judgeResults } from './judge/judge.ts';
import type { PlainInputs } from './judge/naive-scores.ts';
import { type Outcome, failed, passed } from './outcome.ts';
import { checkRefused, undeclared } from './refusal.ts';

/** Runs one case. Never rejects: whatever the backend throws is a failure of the case. */
export async function runCase(theCase: ConformanceCase, subject: Subject): Promise<Outcome> {
  try {
    if (theCase.kind === 'agreement') return await runAgreement(theCase, subject);
    if (theCase.kind === 'sequence') return await runSequence(theCase, subject);
    return await runBehavior(theCase, subject);
  } catch (error) {
    return failed(describe(error));
  }
}

/** Characters of an error that a report keeps. */
const LONGEST_ERROR = 10_000;

/** Describes whatever a backend throws, also what throws when it is read. */
function describe(error: unknown): string {
  let text: string;
  try {
    if (HeedError.isInstance(error)) text = `${error.code}: ${error.message}`;
    else text = String(error instanceof Error ? error.message : error);
  } catch {
    return 'the backend threw what cannot be shown: to read it throws';
  }
  return text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR)}…` : text;
}

async function runBehavior(theCase: BehaviorCase, subject: Subject): Promise<Outcome> {
  const { dtypes, features, guarantees, operations = [], weightTypes = [] } = subject.backend.capabilities;
  const { weightType } = theCase;
  if (theCase.guarantee !== undefined && !guarantees.includes(theCase.guarantee)) {
    return { status: 'notGuaranteed' };
  }
  const missing = [
    ...(dtypes.includes(theCase.dtype ?? 'float32') ? [] : ['dtype']),
    ...theCase.features.filter((name) => !features.includes(name)),
    ...(theCase.operations ?? []).filter((name) => !operations.includes(name)),
    ...(weightType === undefined || weightTypes.includes(weightType) ? [] : [weightType]),
  ];
  if (missing.length > 0) return { status: 'notApplicable', missing };
  await theCase.run(subject);
  return passed();
}

async function runSequence(theCase: SequenceCase, subject: Subject): Promise<Outcome> {
  const instead = await withoutComputing(subject.backend, theCase.problem);
  if (instead !== null) return instead;
  await theCase.run(subject);
  return passed();
}

/** Outcome of a problem that the backend refuses, rightly or not; null for one that it must compute. */
async function withoutComputing(
  backend: AttentionBackend,
  problem: AttentionProblem,
): Promise<Outcome | null> {
  const missing = undeclared(backend.capabilities, problem);
  if (missing.length > 0) {
    const fault = await checkRefused(backend, problem);
    return fault === null ? { status: 'refused', missing } : failed(fault);
  }
  const support = backend.supports(problem);
  if (support.supported) return null;
  return failed(`declares all that the problem uses and refuses it: ${support.clause}: ${support.reason}`);
}

async function runAgreement(theCase: AgreementCase, { backend }: Subject): Promise<Outcome> {
  const { problem, inputs } = resolveRequest(differentiable(theCase.request()));
  const instead = await withoutComputing(backend, problem);
  if (instead !== null) return instead;

  const dOutput = problem.gradient ? theCase.dOutput!() : undefined;
  const expectation = expectationOfCase(theCase, problem, inputs as PlainInputs, dOutput);
  const kernel = await backend.compile(problem);
  try {
    const results = await kernel.run(inputs);
    const comparisons = judgeResults(expectation, results, theCase.expected);
    if (dOutput !== undefined && comparisons.every(({ fault }) => fault === null)) {
      const forward = { output: results.output!, statistics: results.statistics!, dOutput };
      const gradients = await kernel.gradient(inputs, forward);
      comparisons.push(...judgeGradients(expectation, gradients, theCase.expected));
    }
    return verdict(comparisons);
  } finally {
    await kernel.dispose();
  }
}

function verdict(comparisons: readonly Comparison[]): Outcome {
  const faults = comparisons.flatMap(({ fault }) => fault ?? []);
  return faults.length === 0 ? passed(comparisons) : failed(faults.join('; '), comparisons);
}

/** Adds the results of the forward run that a gradient needs, as `attention()` does. */
function differentiable(request: CaseRequest): CaseRequest {
  return request.gradient ? { ...request, output: true, statistics: true } : request;
}

const expectations = new WeakMap<AgreementCase, Expectation>();

/** Kept, so that verifying a second backend does not compute the reference again. Inputs of its own. */
function expectationOfCase(
  theCase: AgreementCase,
  problem: AttentionProblem,
  inputs: PlainInputs,
  dOutput: Tensor | undefined,
): Expectation {
  const known = expectations.get(theCase);
  if (known !== undefined) return known;
  const expectation = expectationOf(problem, structuredClone(inputs), structuredClone(dOutput));
  expectations.set(theCase, expectation);
  return expectation;
}
