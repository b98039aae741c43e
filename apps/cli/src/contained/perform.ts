import type { AttentionBackend, BackendProvider } from '@heed/core';
import { importProvider } from '../backends/provider.ts';
import type { Announce, Task, TaskResults } from './tasks.ts';

/**
 * Performs a task. Loads modules on demand: the suite is large, and an inspection is quick.
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
  announce({ text: 'loading the suite', own: true });
  const { runFuzzer, runSuite } = await import('./conformance.ts');
  const announced = announcing(provider, announce);
  return task.kind === 'verify' ? runSuite(announced, task, announce) : runFuzzer(announced, task, announce);
}

/** Wraps the provider to announce its steps until there is a backend. Cases may create more: those steps are theirs. */
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
