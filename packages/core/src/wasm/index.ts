/** WebAssembly modules, written with the names of instructions. For authors of backends that generate kernels. */
export type { Block, Code, ValueType } from './code.ts';
export { after, count, drop, repeatWhile, select, when, whileTrue } from './control.ts';
export {
  type FloatInstructions,
  type FloatVector,
  type I16x8Instructions,
  type I32x4Instructions,
  type IntegerVector,
  convert,
  extend,
  f32,
  f32x4,
  f64,
  f64x2,
  floatBytes,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  int,
  memoryCopy,
  memoryFill,
  v128,
} from './instructions.ts';
export {
  type Body,
  type Callable,
  type Locals,
  type MemoryKind,
  ModuleBuilder,
  type Signature,
  type Variable,
  type Variables,
  type VariablesOf,
  type Written,
} from './module.ts';
