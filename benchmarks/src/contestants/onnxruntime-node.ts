import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Runtime, type TaskOf, onnxContestant } from './onnxruntime.ts';

/** A contestant that computes one operator on ONNX Runtime's native library. */
export function onnxruntimeNode(name: string, taskOf: TaskOf): Contestant {
  return onnxContestant(
    name,
    () => loadable(['onnxruntime-node'], () => import('onnxruntime-node')),
    async (threads) => {
      const { default: ort } = (await import('onnxruntime-node')) as unknown as {
        default: Runtime & { env: { versions: { node: string } } };
      };
      const device = `ONNX Runtime ${ort.env.versions.node}, CPU, ${threads === 1 ? 'one thread' : `${threads} threads`}`;
      return { runtime: ort, provider: 'cpu', device, threads };
    },
    taskOf,
  );
}
