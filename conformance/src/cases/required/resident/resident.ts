import type { ConformanceCase } from '../../../case.ts';
import { residentAheadCases } from './ahead.ts';
import { residentCacheCases } from './cache.ts';
import { residentLifeCases } from './tensors.ts';
import { residentRunCases } from './runs.ts';
import { residentViewCases } from './views.ts';
import { residentSliceCases } from './slices.ts';
import { residentSlotCases } from './slots.ts';
import type { Purposes } from '../../building/purposes.ts';

export const residentPurposes: Purposes = {
  resident: "Tensors in the backend's memory are those of the caller in every way.",
  'resident/upload-and-read': 'upload() and read() copy, bit by bit, whatever the type and the shape.',
  'resident/write': 'write() overwrites the slices that it is given, and nothing else.',
  'resident/write-refused': 'A part that does not fit is refused, and nothing is written.',
  'resident/dispose': 'A disposed tensor refuses every use; a second dispose() does nothing.',
  'resident/end-with-their-backend': 'Resident tensors end with their backend.',
  'resident/writes-in-turn': 'Writes that overlap take effect in the order of their calls.',
  'resident/hold': 'hold() keeps what a tensor holds, whatever is written or disposed behind it.',
  'resident/view': 'view() is the same memory under another shape, which outlives the tensor that it is of.',
  'resident/foreign': 'A resident tensor of another engine is refused.',
  'resident/foreign-sibling': 'A resident tensor of a second backend of the same provider is refused.',
  'resident/upload-refused': 'upload() refuses data that does not fill its shape or is not of its type.',
  'resident/wrong-shape-in-a-run': 'The shape of a resident input is checked like that of a plain one.',
  'resident/inputs-and-results': 'Resident inputs and results give what plain ones give.',
  'resident/results-into-the-next-run': 'A resident result is an input of the next run.',
  'resident/results-are-apart': 'Each run has resident results of its own.',
  'resident/write-seen-by-the-next-run': 'A run after a write() computes with what was written.',
  'resident/write-after-a-call': 'A run takes its resident tensors as they are when it is called.',
  'resident/dispose-after-a-call': 'A run under way is untouched by a dispose() of its input.',
  'resident/ahead/runs':
    'Runs that nobody waits for, each on the results of the one before, give what each gives alone.',
  'resident/ahead/memory':
    'A disposed input of a run that was not waited for lends its memory to nobody before that run has read it.',
  'resident/ahead/inputs': "Plain inputs are the caller's again as soon as the run has resolved.",
  'resident/ahead/writes':
    'Runs, writes and copies that nobody waits for take effect in the order of their calls.',
  'resident/ahead/abort': 'The results of a run that has resolved are whole, whatever is aborted afterwards.',
  'resident/gradient': 'Gradients of resident tensors are those of plain ones.',
  'resident/allocate': 'allocate() makes zeros in the memory of the backend.',
  'resident/allocate-refused': 'allocate() refuses a type or shape that no tensor has.',
  'resident/gather': 'gather() copies the slices that it is told, in their order.',
  'resident/gather-refused': 'An index or axis that is not there is refused.',
  'resident/reorder':
    'reorder() puts the elements of a batch into another order, after the writes before it.',
  'resident/reorder-refused':
    'reorder() takes as many indices as there are elements, and none that is not there.',
  'resident/copy': 'copy() holds what the tensor held, whatever happens to that one.',
  'resident/read-slices': 'read() gives the slices that it is told.',
  'resident/read-slices-refused': 'Slices that are not there are refused.',
  'resident/write-each': 'write() with a start for each element of the batch writes each of them there.',
  'resident/write-each-refused': 'A start that does not fit is refused for all, and nothing is written.',
  'resident/slots': 'Rows of a batch are written into their slots of a pool, and nothing else is.',
  'resident/slots-refused': 'Slots that do not fit the pool or the rows are refused, and nothing is written.',
  'resident/cache-ragged': 'Sequences of unequal lengths decode on one cache, each written at its own end.',
  'resident/cache-beams': 'Beam search reorders its cache in the memory of the backend.',
  'resident/cache': 'One kernel decodes step by step on a cache that is written row by row.',
};

/** Clause `resident`: tensors that live in the backend's memory between calls. */
export function residentCases(): ConformanceCase[] {
  return [
    ...residentLifeCases(),
    ...residentViewCases(),
    ...residentSliceCases(),
    ...residentSlotCases(),
    ...residentRunCases(),
    ...residentAheadCases(),
    ...residentCacheCases(),
  ];
}
