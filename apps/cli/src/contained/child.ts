// The process that a task runs in. A backend that hangs, crashes or exits takes down this process and no other.
import { HeedError, type HeedErrorJSON } from '@heed/core';
import { textOf } from '@heed/core/backend';
import type { Message } from './run-contained.ts';
import { perform } from './perform.ts';
import type { Task } from './tasks.ts';
import { watchMemory } from './watch-memory.ts';

const channel = process.send!.bind(process);
const send = (message: Message): boolean => channel(message);
// Messages that the backend sends must not pass for a report.
delete process.send;

process.once('message', ({ memoryBytes, ...task }: Task & { readonly memoryBytes: number }) => {
  watchMemory(memoryBytes);
  void perform(task, (step) => send({ step }))
    .then((value): Message => ({ value }))
    .catch((error: unknown): Message => ({ error: toJSON(error) }))
    .then(send);
});
// The parent ends this process once it has the answer. If the parent is gone, threads and timers must not linger.
process.once('disconnect', () => process.exit());

function toJSON(error: unknown): HeedErrorJSON {
  if (HeedError.isInstance(error)) return error.toJSON();
  const message = error instanceof Error ? error.message : textOf(error);
  return new HeedError('ENGINE', message, { cause: error }).toJSON();
}
