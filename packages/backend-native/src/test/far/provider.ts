import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type AttentionGradients,
  type AttentionInputs,
  type AttentionProblem,
  type AttentionResults,
  type BackendProvider,
  CONTRACT_VERSION,
  type GradientInputs,
  HeedError,
  type HeedErrorCode,
  type Tensor,
} from '@heed/core';
import { type KernelDefinition, defineBackend } from '@heed/core/backend';
import { capabilities } from '../../capabilities.ts';
import type { NativeOptions } from '../../options.ts';
import type { Answer, CompiledThere, Question } from './messages.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/test/far/process.js', import.meta.url));

type Inputs = AttentionInputs<Tensor>;
type DistributeOmit<T> = T extends Question ? Omit<T, 'id'> : never;

/** A process that answers questions. */
class Far {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #next = 0;

  constructor([program, ...words]: readonly string[]) {
    this.#child = spawn(program!, [...words, PROGRAM], {
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else if (error.code === undefined) waiting?.reject(new Error(error.message));
      else {
        const { code, message, remedy } = error;
        waiting?.reject(new HeedError(code as HeedErrorCode, message, { ...(remedy && { remedy }) }));
      }
    });
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', (code, signal) => this.#fail(new Error(`it ended with ${code ?? signal}`)));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  ask(question: DistributeOmit<Question>, signal?: AbortSignal): Promise<unknown> {
    const id = this.#next++;
    const abort = (): void => void this.#child.send({ id, what: 'abort' });
    signal?.addEventListener('abort', abort);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...question, id }, (error) => error && reject(error));
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  end(): void {
    this.#child.kill();
  }
}

/**
 * The native backend of another process, which a command starts: a Node for another processor, in an emulator. A pipe
 * carries inputs there and results back, so that the judge stays here.
 */
export function farProvider(command: readonly string[]): BackendProvider<NativeOptions> {
  return {
    contract: CONTRACT_VERSION,
    name: 'native',
    probe: async () => ({ available: true }),
    async create(options = {}) {
      const far = new Far(command);
      const device = (await far.ask({ what: 'create', options })) as string;
      return defineBackend({
        name: 'native',
        device,
        capabilities,
        compile: (problem) => compile(far, problem),
        dispose: () => far.end(),
      });
    },
  };
}

async function compile(far: Far, problem: AttentionProblem): Promise<KernelDefinition> {
  const { kernel, plan } = (await far.ask({ what: 'compile', problem })) as CompiledThere;
  const ask = async (
    inputs: Inputs,
    forward?: GradientInputs<Tensor>,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    signal?.throwIfAborted();
    try {
      return await far.ask({ what: 'run', kernel, inputs, ...(forward && { forward }) }, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  };
  return {
    plan,
    run: (inputs, { signal }) => ask(inputs, undefined, signal) as Promise<AttentionResults<Tensor>>,
    ...(problem.gradient && {
      gradient: (inputs: Inputs, forward: GradientInputs<Tensor>, { signal }: { signal?: AbortSignal }) =>
        ask(inputs, forward, signal) as Promise<AttentionGradients<Tensor>>,
    }),
    dispose: () => far.ask({ what: 'dispose', kernel }) as Promise<void>,
  };
}
