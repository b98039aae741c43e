export type * from './case.ts';
export type { CaseRequest } from './case-request.ts';
export {
  type BatchCapture,
  type Capture,
  type CaptureName,
  type CapturedBlock,
  type CapturedEmbeddings,
  type CapturedLayer,
  type CapturedLinear,
  loadBatchCapture,
  loadCapture,
  loadCapturedBlock,
  loadCapturedEmbeddings,
} from './outside/captures.ts';
export { allCases } from './all-cases.ts';
export { type ConformanceOptions, type TestFunction, type TestRunner, conformance } from './conformance.ts';
export { PRECISIONS, type Precision } from './judge/precision.ts';
export type { CaseReport, CaseStatus, ClauseReport, Failure, Report, Tally, Worst } from './report.ts';
export { type Progress, type VerifyOptions, selectCases, verify } from './verify.ts';
export type { FuzzInput } from './fuzz/arbitrary-sketch.ts';
export { type Disagreement, type FuzzOptions, type FuzzReport, fuzz } from './fuzz/fuzz.ts';
export { bundledCases } from './outside/bundled-cases.ts';
export { parseCases } from './outside/parse-cases.ts';
export type { NotCovered, ParsedCases } from './outside/parsed-cases.ts';
export { readCases } from './outside/read-cases.ts';
export { caseFile } from './outside/write-case-file.ts';
