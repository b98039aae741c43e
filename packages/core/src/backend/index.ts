/** API for authors of backends. Users of attention do not need it. */
export { assertBackend } from '../assert-backend.ts';
export { checkGradientInputs, checkInputs } from '../check-inputs.ts';
export { checkProblem } from '../check-problem.ts';
export { featuresOf } from '../features.ts';
export { supportOf } from '../support.ts';
export { type OptionTable, checkOptions } from '../options/check-options.ts';
export {
  type OptionKind,
  abortSignal,
  array,
  callback,
  flag,
  integer,
  listOf,
  number,
  oneOf,
  required,
  text,
} from '../options/kinds.ts';
export { textOf } from '../error.ts';
export { listed, shown } from '../options/shown.ts';
export { assertBlob, bytesOfBlob } from './blob.ts';
export { withKernel } from '../kernel-cache.ts';
export {
  computeDType,
  fromFloat16,
  gradientDType,
  halfTable,
  isHalf,
  numbersOf,
  toHalf,
  widened,
} from '../float16.ts';
export {
  ELEMENT_BYTES,
  type Run,
  type SlicePosition,
  exchangeHeadsAndLength,
  takenRuns,
  takenShape,
  writeSlices,
  writtenRuns,
} from '../shape.ts';
export { integerAt } from '../quantize.ts';
export { type Slot, isFloat, toTensor } from '../tensor-like.ts';
export { DATA_ARRAYS, sizeOf, zeros } from '../tensor.ts';
export { onAbort } from './aborts.ts';
export { type BackendDefinition, defineBackend } from './define.ts';
export type { LinearDefinition, LinearKernelDefinition, OutputAndArgument } from './linear/guard.ts';
export type { OperationKernelDefinition } from './operations/guard.ts';
export type { OperationOffer } from './operations/offer.ts';
export { type HostViews, addOnHost, plainViews } from './operations/host-views.ts';
export { ACTIVATIONS, type Activation, CURVES, type Curve } from '../linear/activation.ts';
export {
  BLOCK_BYTES,
  BLOCK_LENGTH,
  STORED_TYPES,
  decodeBlocks,
  isBlockType,
  isStoredType,
  weightNumbers,
} from '../linear/stored.ts';
export { type Multiply, linearGradientBy, sumOfRows, withoutIgnoredRows } from '../linear/gradient.ts';
export { type Dropout, dropoutOf } from './dropout.ts';
export { gumbelNoise, philox4x32 } from './gumbel.ts';
export type { EngineRunOptions } from '../run-options.ts';
export type { KernelDefinition } from './guard-kernel.ts';
export { type DeviceMemory, type NativeTensor, hostMemory } from './memory.ts';
export { rowSumFrom } from './statistics.ts';
export { partGradientInputs } from '../merge/shares.ts';
export { contiguousCache } from './contiguous-cache.ts';
export { type RowStrides, broadcastStrides, cacheStrides, rowStrides } from './strides.ts';
export { TURN_MILLISECONDS, inTurns, nextTurn, now } from './turns.ts';
export { type VisibleKeys, visibleKeys } from './visible-keys.ts';
