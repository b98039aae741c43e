import {
  type Block,
  type Bytes,
  type Code,
  type ValueType,
  flatten,
  leaving,
  sized,
  text,
  unsigned,
  vector,
} from './code.ts';

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A variable: code that reads it, and ways to write it. */
export interface Variable<T extends ValueType> extends Code<T> {
  set(value: Code<T>): Code<'none'>;
  /** Writes it, and leaves the value on the stack. */
  tee(value: Code<T>): Code<T>;
}

/** Variables of these types, in their order. */
export type Variables<T extends readonly ValueType[]> = { readonly [N in keyof T]: Variable<T[N]> };

/** This many variables of one type; any number of them if the count is not a literal. */
export type VariablesOf<
  T extends ValueType,
  Count extends number,
  Made extends readonly Variable<T>[] = [],
> = number extends Count
  ? readonly Variable<T>[]
  : Made['length'] extends Count
    ? Made
    : VariablesOf<T, Count, readonly [...Made, Variable<T>]>;

/** Allocates the local variables of a function. */
export interface Locals {
  /** A local variable, 0 at first. */
  local<T extends ValueType>(type: T): Variable<T>;
  /** This many local variables, to destructure: `const [left, right] = body.locals('v128', 2)`. */
  locals<T extends ValueType, const Count extends number>(type: T, count: Count): VariablesOf<T, Count>;
}

/** Tools to write a function's body. */
export interface Body<Result extends ValueType | 'none'> extends Locals {
  /** Ends the function with its result. */
  return(value: Code<Result>): Code<'none'>;
}

/** Parameters and result of a function. */
export interface Signature<
  Parameters extends readonly ValueType[],
  Result extends ValueType | 'none' = 'none',
> {
  readonly parameters: Parameters;
  /** Default `'none'`. */
  readonly result?: Result;
  /** Name of the export. Default: the function is not exported. */
  readonly name?: string;
}

/** Code that calls a function: one value for each parameter. */
export type Callable<Parameters extends readonly ValueType[], Result extends ValueType | 'none' = 'none'> = (
  ...values: { readonly [N in keyof Parameters]: Code<Parameters[N]> }
) => Code<Result>;

/** A function's body: statements, or code that leaves the result. */
export type Written<Result extends ValueType | 'none'> = Result extends ValueType ? Code<Result> : Block;

/** Memory of a module: none; or imported as `env.memory`, of this thread or shared between threads. */
export type MemoryKind = 'none' | 'unshared' | 'shared';

/**
 * A WebAssembly module under construction: functions and mutable globals, on imported memory. TypeScript checks the
 * types of values and the number of arguments.
 *
 * @example
 * ```ts
 * import { ModuleBuilder, f32, f32x4, v128 } from '@heed/core/wasm';
 *
 * const module = new ModuleBuilder();
 * module.function({ parameters: ['i32', 'f32'], name: 'scale' }, (_, at, factor) =>
 *   v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(factor))),
 * );
 *
 * const memory = new WebAssembly.Memory({ initial: 1 });
 * const numbers = new Float32Array(memory.buffer);
 * numbers.set([1, 2, 3, 4]);
 * const compiled = new WebAssembly.Module(module.build('unshared'));
 * const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
 * const scale = exports.scale as (at: number, factor: number) => void;
 * scale(0, 10);
 * console.log(numbers.subarray(0, 4).join()); // 10,20,30,40
 * ```
 */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeCodes: Bytes[] = [];
  readonly #functions: Bytes[] = [];
  readonly #bodies: Bytes[] = [];
  readonly #exports: Bytes[] = [];
  readonly #globals: Bytes[] = [];

  /** Adds a function; `write` takes its parameters as variables and returns its body. */
  function<const Parameters extends readonly ValueType[], Result extends ValueType | 'none' = 'none'>(
    signature: Signature<Parameters, Result>,
    write: (body: Body<Result>, ...parameters: Variables<Parameters>) => Written<NoInfer<Result>>,
  ): Callable<Parameters, Result> {
    const { parameters, result, name } = signature;
    const index = this.#functions.length;
    const locals: ValueType[] = [];
    const local = <T extends ValueType>(type: T): Variable<T> =>
      localAt(parameters.length + locals.push(type) - 1);
    const body: Body<Result> = {
      local,
      locals: <T extends ValueType, Count extends number>(type: T, count: Count) =>
        Array.from({ length: count }, () => local(type)) as unknown as VariablesOf<T, Count>,
      return: (value) => leaving([value, 0x0f]),
    };
    const given = parameters.map((_, n) => localAt(n)) as unknown as Variables<Parameters>;
    const code = write(body, ...given);
    this.#functions.push(unsigned(this.#typeIndex(parameters, result ?? 'none')));
    this.#bodies.push(sized([vector(locals.map((type) => [1, TYPES[type]])), code, 0x0b]));
    if (name !== undefined) this.#exports.push([text(name), 0x00, unsigned(index)]);
    return (...values) => leaving([values, 0x10, unsigned(index)]);
  }

  /** Adds a global, 0 at first. It belongs to the instance: each thread has its own. */
  global<T extends 'i32' | 'f64'>(type: T): Variable<T> {
    const index = unsigned(this.#globals.length);
    const zero = type === 'i32' ? [0x41, 0] : [0x44, Array<number>(8).fill(0)];
    this.#globals.push([TYPES[type], 0x01, zero, 0x0b]);
    const get = leaving<T>([0x23, index]);
    const set = (value: Code<T>): Code<'none'> => leaving([value, 0x24, index]);
    return Object.assign(get, { set, tee: (value: Code<T>) => leaving<T>([set(value), get]) });
  }

  /** Returns the module's bytes. Shared memory has the maximum of 65,536 pages, as the given memory must. */
  build(memory: MemoryKind): Uint8Array<ArrayBuffer> {
    const limits = memory === 'shared' ? [0x03, 0, unsigned(65536)] : [0x00, 0];
    const imports = memory === 'none' ? [] : [[text('env'), text('memory'), 0x02, limits]];
    const section = (id: number, items: readonly Bytes[]): Bytes => [id, sized(vector(items))];
    return new Uint8Array(
      flatten([
        [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        section(1, this.#typeCodes),
        section(2, imports),
        section(3, this.#functions),
        section(6, this.#globals),
        section(7, this.#exports),
        section(10, this.#bodies),
      ]),
    );
  }

  #typeIndex(parameters: readonly ValueType[], result: ValueType | 'none'): number {
    const key = `${parameters.join()}>${result}`;
    const known = this.#types.indexOf(key);
    if (known !== -1) return known;
    const results = result === 'none' ? [] : [TYPES[result]];
    this.#typeCodes.push([0x60, vector(parameters.map((type) => TYPES[type])), vector(results)]);
    return this.#types.push(key) - 1;
  }
}

function localAt<T extends ValueType>(index: number): Variable<T> {
  const at = unsigned(index);
  return Object.assign(leaving<T>([0x20, at]), {
    set: (value: Code<T>): Code<'none'> => leaving([value, 0x21, at]),
    tee: (value: Code<T>): Code<T> => leaving([value, 0x22, at]),
  });
}
