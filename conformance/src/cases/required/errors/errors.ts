import type { ConformanceCase } from '../../../case.ts';
import { contractVersionCases } from './contract-version.ts';
import { inputErrorCases } from './inputs.ts';
import { optionErrorCases } from './options.ts';
import { problemErrorCases } from './problem.ts';
import { requestErrorCases } from './request.ts';
import type { Purposes } from '../../building/purposes.ts';

export const errorPurposes: Purposes = {
  errors: 'A mistake has its stable code, before any work.',
  'errors/request': 'A mistake in a request has its stable code, before any work.',
  'errors/problem': 'A mistake in a problem has its stable code, past all checks of attention().',
  'errors/run': 'A mistake in the inputs of a run has its stable code, and the kernel is as good as before.',
  'errors/gradient':
    'A mistake in what gradient() takes has its stable code, and the kernel is as good as before.',
  'errors/create':
    'Options of create() that do not exist, or are not an object, are refused with their code.',
  'errors/compile': 'A problem with a member that does not exist is refused by compile().',
  'errors/contract-version': 'A backend or provider of another version of the contract is refused.',
  'errors/request/query':
    'A query that is missing, or of another rank, type or size, is refused by attention().',
  'errors/request/key': 'A key that does not go with the query is refused by attention().',
  'errors/request/value': 'A value that is missing or does not go with the key is refused by attention().',
  'errors/request/heads':
    'Query heads that are not a multiple of the key/value heads are refused by attention().',
  'errors/request/option': 'A misspelled option, or the word of another library, is refused by attention().',
  'errors/request/scale': 'A scale that is not a finite number is refused by attention().',
  'errors/request/softcap': 'A softcap that is not a positive number is refused by attention().',
  'errors/request/window':
    'A side of a window that does not exist, or is not an integer ≥ 0, is refused by attention().',
  'errors/request/alignment':
    'Positions without an alignment where lengths differ, or with an unknown one, are refused.',
  'errors/request/mask': 'A mask that does not broadcast is refused by attention().',
  'errors/request/key-lengths':
    'Key lengths that are not there, not integers or too few are refused by attention().',
  'errors/request/query-lengths': 'Query lengths beyond their axis are refused by attention().',
  'errors/request/outputs': 'No outputs, or unknown ones, are refused by attention().',
  'errors/request/seed': 'A seed that is missing or out of range is refused by attention().',
  'errors/request/sinks': 'Sinks that are too many, or with hard attention, are refused by attention().',
  'errors/request/gradient': 'The gradient of hard attention is refused by attention().',
  'errors/run/query': 'A query that is missing, or of another rank, type or size, is refused by run().',
  'errors/run/mask': 'A mask that is missing, unexpected or of another kind is refused by run().',
  'errors/run/key-lengths':
    'Key lengths that are missing, out of range or of another type are refused by run().',
  'errors/run/options':
    'Options of run() that do not exist, or of another type, are refused with their code.',
  'errors/run/seed': 'A seed that is missing, unexpected or out of range is refused by run().',
  'errors/run/no-inputs': 'A run without inputs is refused, not a crash.',
  'errors/gradient/options':
    'Options of gradient() that do not exist, or of another type, are refused with their code.',
  'errors/gradient/not-asked-for': 'A kernel that was compiled without a gradient refuses it.',
  'errors/gradient/no-forward': 'A gradient without the results of a forward run is refused, not a crash.',
};

/** Clause `errors`: every mistake has its stable code, on every way in. */
export function errorCases(): ConformanceCase[] {
  return [
    ...requestErrorCases(),
    ...problemErrorCases(),
    ...inputErrorCases(),
    ...optionErrorCases(),
    ...contractVersionCases(),
  ];
}
