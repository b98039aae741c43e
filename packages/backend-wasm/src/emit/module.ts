import { type Code, flatten, sized, text, unsigned, vector } from './code.ts';

const TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

export type ValueType = keyof typeof TYPES;

/** A variable: code that reads it, and ways to write it. */
export type Variable = readonly Code[] & {
  set(value: Code): Code;
  /** Writes it, and leaves the value on the stack. */
  tee(value: Code): Code;
};

/** What a function's body is written with. */
export interface Body {
  local(type: ValueType): Variable;
}

interface Signature {
  readonly parameters: readonly ValueType[];
  readonly result?: ValueType;
  /** The name under which it is exported; left out: it is not. */
  readonly name?: string;
}

/** Code that calls a function. */
export type Callable = (...values: Code[]) => Code;

/** A WebAssembly module under construction: functions and mutable globals on one imported memory, `env.memory`. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeCodes: Code[] = [];
  private readonly functions: Code[] = [];
  private readonly bodies: Code[] = [];
  private readonly exports: Code[] = [];
  private readonly globals: Code[] = [];

  /** Adds a function; `write` is given its parameters and returns its body, whose value is the result. */
  function(signature: Signature, write: (body: Body, ...parameters: Variable[]) => Code): Callable {
    const { parameters, result, name } = signature;
    const index = this.functions.length;
    const locals: ValueType[] = [];
    const local = (type: ValueType): Variable => localAt(parameters.length + locals.push(type) - 1);
    const code = write({ local }, ...parameters.map((_, n) => localAt(n)));
    this.functions.push(unsigned(this.typeIndex(parameters, result)));
    this.bodies.push(sized([vector(locals.map((type) => [1, TYPES[type]])), code, 0x0b]));
    if (name !== undefined) this.exports.push([text(name), 0x00, unsigned(index)]);
    return (...values) => [values, 0x10, unsigned(index)];
  }

  /** Adds a global, zero at first. It belongs to the instance: each thread has its own. */
  global(type: 'i32' | 'f64'): Variable {
    const index = unsigned(this.globals.length);
    const zero = type === 'i32' ? [0x41, 0] : [0x44, Array<number>(8).fill(0)];
    this.globals.push([TYPES[type], 0x01, zero, 0x0b]);
    const set = (value: Code): Code => [value, 0x24, index];
    const get = [0x23, index];
    return Object.assign(get, { set, tee: (value: Code) => [set(value), get] });
  }

  /** @param shared whether the memory is shared between threads; it then has the greatest size there is. */
  build(shared: boolean): Uint8Array<ArrayBuffer> {
    const limits = shared ? [0x03, 0, unsigned(65536)] : [0x00, 0];
    const memory = [text('env'), text('memory'), 0x02, limits];
    const section = (id: number, items: readonly Code[]): Code => [id, sized(vector(items))];
    return new Uint8Array(
      flatten([
        [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        section(1, this.typeCodes),
        section(2, [memory]),
        section(3, this.functions),
        section(6, this.globals),
        section(7, this.exports),
        section(10, this.bodies),
      ]),
    );
  }

  private typeIndex(parameters: readonly ValueType[], result: ValueType | undefined): number {
    const key = `${parameters.join()}>${result}`;
    const known = this.types.indexOf(key);
    if (known !== -1) return known;
    const results = result === undefined ? [] : [TYPES[result]];
    this.typeCodes.push([0x60, vector(parameters.map((type) => TYPES[type])), vector(results)]);
    return this.types.push(key) - 1;
  }
}

function localAt(index: number): Variable {
  const at = unsigned(index);
  return Object.assign([0x20, at], {
    set: (value: Code): Code => [value, 0x21, at],
    tee: (value: Code): Code => [value, 0x22, at],
  });
}
