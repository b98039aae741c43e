/** A program that computes for another process over a pipe. */
import type { AttentionBackend, AttentionKernel } from '@heed/core';
import native from '../../index.ts';
import type { Answer, Question } from './messages.ts';

let backend: AttentionBackend;
const kernels = new Map<number, AttentionKernel>();
const underWay = new Map<number, AbortController>();

async function answerTo(question: Question): Promise<unknown> {
  switch (question.what) {
    case 'create':
      backend = await native.create(question.options);
      return backend.device;
    case 'compile': {
      const kernel = await backend.compile(question.problem);
      kernels.set(question.id, kernel);
      return { kernel: question.id, plan: kernel.plan };
    }
    case 'run': {
      const kernel = kernels.get(question.kernel)!;
      const controller = new AbortController();
      underWay.set(question.id, controller);
      const { inputs, forward } = question;
      try {
        return forward === undefined
          ? await kernel.run(inputs, { signal: controller.signal })
          : await kernel.gradient(inputs, forward, { signal: controller.signal });
      } finally {
        underWay.delete(question.id);
      }
    }
    case 'dispose':
      await kernels.get(question.kernel)!.dispose();
      kernels.delete(question.kernel);
      return undefined;
    default:
      return underWay.get(question.id)?.abort();
  }
}

async function reply(question: Question): Promise<void> {
  const { id } = question;
  try {
    const value = await answerTo(question);
    if (question.what !== 'abort') process.send!({ id, value });
  } catch (error) {
    const { code, message, remedy } = error as Error & { code?: string; remedy?: string };
    process.send!({ id, error: { code, message, remedy } } satisfies Answer);
  }
}

process.on('message', (question: Question) => void reply(question));
