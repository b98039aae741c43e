import { PARAMS_STRUCT } from './params.ts';

/** Binding of a shader besides its parameters: storage that it reads or writes. */
export interface Binding {
  readonly name: string;
  /** Type such as `vec4u`: floats are bound as integers, since WGSL may assume that no float is NaN or infinite. */
  readonly element: 'u32' | 'vec2u' | 'vec4u' | 'f32' | 'vec4f' | 'atomic<u32>';
  readonly access: 'read' | 'read_write';
}

/** A compute shader of 64 invocations a workgroup. Its entry point is `main`. */
export interface Shader {
  /** Name of the computation, in errors and tools. */
  readonly label: string;
  readonly code: string;
  /** Binding 1, 2, … Binding 0 is the parameters. */
  readonly bindings: readonly Binding[];
}

export const THREADS = 64;

interface Source {
  readonly label: string;
  readonly bindings: readonly Binding[];
  /** Subgroup size of the geometry, if the shader uses subgroups. */
  readonly subgroup?: number;
  readonly declarations: readonly string[];
  /** The body of the entry point, which may use `thread`, `group` and `blocks`. */
  readonly main: string;
}

export function shaderOf({ label, bindings, subgroup = 1, declarations, main }: Source): Shader {
  const variables = bindings.map(
    ({ name, element, access }, index) =>
      `@group(0) @binding(${index + 1}) var<storage, ${access}> ${name}: array<${element}>;`,
  );
  const code = `${subgroup > 1 ? 'enable subgroups;' : ''}
${PARAMS_STRUCT}
@group(0) @binding(0) var<uniform> params: Params;
${variables.join('\n')}
${declarations.join('\n')}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
${main}
}
`;
  return { label, code, bindings };
}

export const read = (name: string, element: Binding['element'] = 'u32'): Binding => ({
  name,
  element,
  access: 'read',
});

export const written = (name: string, element: Binding['element'] = 'u32'): Binding => ({
  name,
  element,
  access: 'read_write',
});

/** Code for 0 … count − 1, one after the other. */
export function each(count: number, code: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => code(n)).join('\n');
}
