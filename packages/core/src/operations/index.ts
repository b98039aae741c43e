/** Operations besides attention and `linear` for authors of backends and layers: offers, routines of the host, tables. */
export { type ElementDropoutKernelDefinition, offerElementDropout } from './element-dropout/offer.ts';
export { dropHere } from './element-dropout/host.ts';
export { type EmbeddingKernelDefinition, offerEmbedding } from './embedding/offer.ts';
export { embedGradientHere, embedHere } from './embedding/host.ts';
export { withGate } from './gate/with-gate.ts';
export { type NormKernelDefinition, offerNorm } from './norm/offer.ts';
export { normGradientHere, normHere } from './norm/host.ts';
export {
  elementDropoutOnHost,
  embeddingOnHost,
  normOnHost,
  operationsOnHost,
  rotaryOnHost,
} from './on-host.ts';
export { type RotaryKernelDefinition, offerRotary } from './rotary/offer.ts';
export { rotateHere } from './rotary/host.ts';
export { type RotaryTableOptions, rotaryTable } from './rotary/table.ts';
