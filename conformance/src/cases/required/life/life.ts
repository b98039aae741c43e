import type { ConformanceCase } from '../../../case.ts';
import { abortCases } from './abort.ts';
import { callCases } from './calls.ts';
import { disposeCases } from './dispose.ts';
import type { Purposes } from '../../building/purposes.ts';

export const lifePurposes: Purposes = {
  life: 'A kernel computes any number of runs, in turn and at once, and comes to an end.',
  'life/one-kernel': 'Runs of one kernel depend on their own inputs alone, not on those of earlier runs.',
  'life/results-are-the-callers':
    'No later run writes to a result, none shares memory with another, and what the caller writes reaches no run.',
  'life/overlap': 'Runs that overlap do not mix.',
  'life/two-kernels-in-turn': 'Kernels that take turns do not share their scratch.',
  'life/dispose/kernel': 'After dispose() a kernel refuses with DISPOSED; a second dispose() does nothing.',
  'life/dispose/kernel-gradient': 'After dispose() a kernel refuses its gradient, too.',
  'life/dispose/kernel-leaves-others': 'The end of a kernel leaves others of the same problem alone.',
  'life/dispose/kernel-waits-for-runs':
    'dispose() of a kernel waits for the runs under way, which end as if nothing had happened.',
  'life/dispose/await-using': '[Symbol.asyncDispose] is dispose().',
  'life/dispose/backend': 'A backend ends its kernels with itself, and refuses everything afterwards.',
  'life/dispose/refuses-from-the-call-on':
    'dispose() refuses all use from the call on, not only from its end.',
  'life/dispose/while-compiling':
    'A call after dispose() is refused, also where a call before it still compiles the kernel.',
  'life/dispose/backend-waits-for-runs': 'dispose() of a backend waits for the runs under way.',
  'life/dispose/results-stay': 'Plain results outlive their backend.',
  'life/abort/before-the-run':
    "A run with an aborted signal rejects with the signal's reason, that very object.",
  'life/abort/through-attention': "attention() with an aborted signal rejects with the signal's reason.",
  'life/abort/before-the-gradient': "A gradient with an aborted signal rejects with the signal's reason.",
  'life/abort/during-the-run':
    'A run that is aborted rejects with the reason or is right, and the kernel is as good as before.',
  'life/abort/never': 'A signal that is never aborted changes nothing.',
};

/** Clause `life`: kernels are used many times, at once, and come to an end. */
export function lifeCases(): ConformanceCase[] {
  return [...callCases(), ...disposeCases(), ...abortCases()];
}
