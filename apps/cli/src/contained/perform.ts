import type { AttentionBackend, BackendProvider } from '@heed/core';
import { importProvider } from '../backends/provider.ts';
import type { Announce, Task, TaskResults } from './tasks.ts';

/**
 * Performs a task. What it needs is loaded when it does: the suite is large, and an inspection is soon done.
 *
 * @throws HeedError what is wrong with the module or its provider; whatever else the provider throws.
 */
export async function perform(task: Task, announce: Announce): Promise<TaskResults[Task['kind']]> {
  announce({ text: 'import' });
  const provider = await importProvider(task.url, task.name);
  if (task.kind === 'inspect') {
    const { inspect } = await import('./inspect.ts');
    return inspect(provider, announce);
  }
  // Not the backend's time: on a slow machine it is seconds.
  announce({ text: 'loading the suite' });
  const { runFuzzer, runSuite } = await import('./conformance.ts');
  const announced = announcing(provider, announce);
  return task.kind === 'verify' ? runSuite(announced, task, announce) : runFuzzer(announced, task, announce);
}

/** The provider, which says how far it is until there is a backend. Cases may make more: those steps are theirs. */
function announcing(provider: BackendProvider, announce: Announce): BackendProvider {
  let hasBackend = false;
  const createFirst = async (): Promise<AttentionBackend> => {
    announce({ text: 'create' });
    const backend = await provider.create();
    hasBackend = true;
    announce({ text: 'the first case' });
    return backend;
  };
  return {
    contract: provider.contract,
    name: provider.name,
    probe: () => {
      if (!hasBackend) announce({ text: 'probe' });
      return provider.probe();
    },
    create: (options) => (hasBackend ? provider.create(options) : createFirst()),
  };
}
