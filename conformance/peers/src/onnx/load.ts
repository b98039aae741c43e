import type { Runtime } from './runtime.ts';

interface Loaded {
  readonly version: string;
  readonly runtime: Runtime;
}

type Module = { readonly default: Runtime & { readonly env: { readonly versions: Record<string, string> } } };

export async function loadOnnxruntimeNode(): Promise<Loaded> {
  const { default: runtime } = (await import('onnxruntime-node')) as unknown as Module;
  return { version: runtime.env.versions['node']!, runtime };
}

export async function loadOnnxruntimeWeb(): Promise<Loaded> {
  const runtime = (await import('onnxruntime-web')) as unknown as Module['default'];
  return { version: runtime.env.versions['web'] ?? runtime.env.versions['common']!, runtime };
}
