// exports
//   Block
//   Body
//   Callable
//   Code
//   FloatInstructions
//   FloatVector
//   I16x8Instructions
//   I32x4Instructions
//   IntegerVector
//   Locals
//   MemoryKind
//   ModuleBuilder
//   Signature
//   ValueType
//   Variable
//   Variables
//   VariablesOf
//   Written
//   after
//   convert
//   count
//   drop
//   extend
//   f32
//   f32x4
//   f64
//   f64x2
//   floatBytes
//   i16x8
//   i32
//   i32x4
//   i64
//   i64x2
//   int
//   memoryCopy
//   memoryFill
//   repeatWhile
//   select
//   v128
//   when
//   whileTrue

type Binary<A extends ValueType, R extends ValueType = A> = (a: Code<A>, b: Code<A>) => Code<R>;

export type Block = Code<'none'> | readonly Block[];

export interface Body<Result extends ValueType | 'none'> extends Locals {
    return(value: Code<Result>): Code<'none'>;
}

export type Callable<Parameters extends readonly ValueType[], Result extends ValueType | 'none' = 'none'> = (...values: {
    readonly [N in keyof Parameters]: Code<Parameters[N]>;
}) => Code<Result>;

export interface Code<T extends ValueType | 'none'> {
    readonly [LEAVES]: T;
}

export interface FloatInstructions<T extends ValueType> {
    readonly const: (value: number) => Code<T>;
    readonly load: Load<T>;
    readonly store: Store<T>;
    readonly eq: Binary<T, 'i32'>;
    readonly ne: Binary<T, 'i32'>;
    readonly gt: Binary<T, 'i32'>;
    readonly neg: Unary<T>;
    readonly sqrt: Unary<T>;
    readonly add: Binary<T>;
    readonly sub: Binary<T>;
    readonly mul: Binary<T>;
    readonly div: Binary<T>;
    readonly min: Binary<T>;
    readonly max: Binary<T>;
}

export interface FloatVector<T extends ValueType> {
    readonly loadSplat: Load<'v128'>;
    readonly splat: Unary<T, 'v128'>;
    readonly extract: (a: Code<'v128'>, lane: number) => Code<T>;
    readonly storeLane: (address: Code<'i32'>, value: Code<'v128'>, lane: number, offset?: number) => Code<'none'>;
    readonly eq: Binary<'v128'>;
    readonly lt: Binary<'v128'>;
    readonly abs: Unary<'v128'>;
    readonly add: Binary<'v128'>;
    readonly sub: Binary<'v128'>;
    readonly mul: Binary<'v128'>;
    readonly div: Binary<'v128'>;
    readonly pmin: Binary<'v128'>;
    readonly pmax: Binary<'v128'>;
    readonly relaxedMadd: Ternary<'v128'>;
    readonly relaxedNmadd: Ternary<'v128'>;
}

export interface I16x8Instructions {
    readonly splat: Unary<'i32', 'v128'>;
    readonly shl: IntegerVector<'i32'>['shl'];
    readonly shrS: IntegerVector<'i32'>['shl'];
    readonly shrU: IntegerVector<'i32'>['shl'];
    readonly maxS: Binary<'v128'>;
    readonly gtS: Binary<'v128'>;
}

export interface I32Instructions {
    readonly load: Load<'i32'>;
    readonly load8U: Load<'i32'>;
    readonly load16U: Load<'i32'>;
    readonly store: Store<'i32'>;
    readonly store8: Store<'i32'>;
    readonly store16: Store<'i32'>;
    readonly eqz: Unary<'i32'>;
    readonly eq: Binary<'i32'>;
    readonly ne: Binary<'i32'>;
    readonly ltS: Binary<'i32'>;
    readonly ltU: Binary<'i32'>;
    readonly gtS: Binary<'i32'>;
    readonly geS: Binary<'i32'>;
    readonly add: Binary<'i32'>;
    readonly sub: Binary<'i32'>;
    readonly mul: Binary<'i32'>;
    readonly divU: Binary<'i32'>;
    readonly remU: Binary<'i32'>;
    readonly and: Binary<'i32'>;
    readonly or: Binary<'i32'>;
    readonly xor: Binary<'i32'>;
    readonly shl: Binary<'i32'>;
    readonly shrU: Binary<'i32'>;
    readonly wrap: Unary<'i64', 'i32'>;
}

export interface I32x4Instructions extends IntegerVector<'i32'> {
    readonly shrS: IntegerVector<'i32'>['shl'];
    readonly shrU: IntegerVector<'i32'>['shl'];
    readonly sub: Binary<'v128'>;
    readonly ltS: Binary<'v128'>;
    readonly gtS: Binary<'v128'>;
    readonly minS: Binary<'v128'>;
    readonly narrowU: Binary<'v128'>;
    readonly toF32: Unary<'v128'>;
}

export interface I64Instructions {
    readonly const: (value: bigint) => Code<'i64'>;
    readonly add: Binary<'i64'>;
    readonly sub: Binary<'i64'>;
    readonly mul: Binary<'i64'>;
    readonly shrU: Binary<'i64'>;
    readonly extendS: Unary<'i32', 'i64'>;
    readonly extendU: Unary<'i32', 'i64'>;
    readonly reinterpret: Unary<'f64', 'i64'>;
}

export interface IntegerVector<T extends 'i32' | 'i64'> {
    readonly splat: Unary<T, 'v128'>;
    readonly shl: (a: Code<'v128'>, bits: Code<'i32'>) => Code<'v128'>;
    readonly add: Binary<'v128'>;
    readonly ne: Binary<'v128'>;
}

declare const LEAVES: unique symbol;

type Load<R extends ValueType> = (address: Code<'i32'>, offset?: number) => Code<R>;

export interface Locals {
    local<T extends ValueType>(type: T): Variable<T>;
    locals<T extends ValueType, const Count extends number>(type: T, count: Count): VariablesOf<T, Count>;
}

export type MemoryKind = 'none' | 'unshared' | 'shared';

export declare class ModuleBuilder {
    #private;
    function<const Parameters extends readonly ValueType[], Result extends ValueType | 'none' = 'none'>(signature: Signature<Parameters, Result>, write: (body: Body<Result>, ...parameters: Variables<Parameters>) => Written<NoInfer<Result>>): Callable<Parameters, Result>;
    global<T extends 'i32' | 'f64'>(type: T): Variable<T>;
    build(memory: MemoryKind): Uint8Array<ArrayBuffer>;
}

export interface Signature<Parameters extends readonly ValueType[], Result extends ValueType | 'none' = 'none'> {
    readonly parameters: Parameters;
    readonly result?: Result;
    readonly name?: string;
}

type Store<V extends ValueType> = (address: Code<'i32'>, value: Code<V>, offset?: number) => Code<'none'>;

type Ternary<A extends ValueType> = (a: Code<A>, b: Code<A>, c: Code<A>) => Code<A>;

type Unary<A extends ValueType, R extends ValueType = A> = (a: Code<A>) => Code<R>;

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

export interface Variable<T extends ValueType> extends Code<T> {
    set(value: Code<T>): Code<'none'>;
    tee(value: Code<T>): Code<T>;
}

export type Variables<T extends readonly ValueType[]> = {
    readonly [N in keyof T]: Variable<T[N]>;
};

export type VariablesOf<T extends ValueType, Count extends number, Made extends readonly Variable<T>[] = []> = number extends Count ? readonly Variable<T>[] : Made['length'] extends Count ? Made : VariablesOf<T, Count, readonly [...Made, Variable<T>]>;

export type Written<Result extends ValueType | 'none'> = Result extends ValueType ? Code<Result> : Block;

export declare function after<T extends ValueType>(statements: Block, value: Code<T>): Code<T>;

export declare const convert: {
    readonly i32FromF64U: Unary<'f64', 'i32'>;
    readonly f64FromI32: Unary<'i32', 'f64'>;
    readonly f64FromI32U: Unary<'i32', 'f64'>;
    readonly f32FromF64: Unary<'f64', 'f32'>;
    readonly f64FromF32: Unary<'f32', 'f64'>;
    readonly f64FromBits: Unary<'i64', 'f64'>;
    readonly f64x2FromF32x4: Unary<'v128'>;
};

export declare function count(i: Variable<'i32'>, from: Code<'i32'>, to: Code<'i32'>, step: number, body: Block): Block;

export declare function drop(value: Code<ValueType>): Code<'none'>;

export declare const extend: {
    readonly i16x8LowU8: Unary<'v128'>;
    readonly i16x8LowS8: Unary<'v128'>;
    readonly i16x8HighS8: Unary<'v128'>;
    readonly i32x4LowS16: Unary<'v128'>;
    readonly i32x4HighS16: Unary<'v128'>;
    readonly i32x4LowU16: Unary<'v128'>;
    readonly i64x2LowS32: Unary<'v128'>;
};

export declare const f32: FloatInstructions<'f32'>;

export declare const f32x4: FloatVector<'f32'>;

export declare const f64: FloatInstructions<'f64'>;

export declare const f64x2: FloatVector<'f64'>;

export declare function floatBytes(type: 'f32' | 'f64', value: number): number[];

export declare const i16x8: I16x8Instructions;

export declare const i32: I32Instructions;

export declare const i32x4: I32x4Instructions;

export declare const i64: I64Instructions;

export declare const i64x2: IntegerVector<'i64'>;

export declare const int: (value: number) => Code<'i32'>;

export declare const memoryCopy: (to: Code<'i32'>, from: Code<'i32'>, size: Code<'i32'>) => Code<'none'>;

export declare const memoryFill: (address: Code<'i32'>, byte: Code<'i32'>, size: Code<'i32'>) => Code<'none'>;

export declare function repeatWhile(condition: Code<'i32'>, body: Block): Code<'none'>;

export declare function select<T extends ValueType>(a: Code<T>, b: Code<NoInfer<T>>, condition: Code<'i32'>): Code<T>;

export declare const v128: {
    readonly load: Load<'v128'>;
    readonly load8x8S: Load<'v128'>;
    readonly load16Splat: Load<'v128'>;
    readonly load32Zero: Load<'v128'>;
    readonly load64Zero: Load<'v128'>;
    readonly store: Store<'v128'>;
    readonly store16Lane: FloatVector<ValueType>['storeLane'];
    readonly store64Lane: FloatVector<ValueType>['storeLane'];
    readonly const: (bytes: readonly number[]) => Code<'v128'>;
    readonly not: Unary<'v128'>;
    readonly and: Binary<'v128'>;
    readonly andnot: Binary<'v128'>;
    readonly or: Binary<'v128'>;
    readonly bitselect: Ternary<'v128'>;
    readonly anyTrue: Unary<'v128', 'i32'>;
    readonly shuffle: (a: Code<'v128'>, b: Code<'v128'>, bytes: readonly number[]) => Code<'v128'>;
};

export declare function when(condition: Code<'i32'>, then: Block, otherwise?: Block): Code<'none'>;

export declare function whileTrue(condition: Code<'i32'>, body: Block): Code<'none'>;
