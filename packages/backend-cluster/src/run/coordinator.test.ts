import { expect, test } from 'vitest';
import type { Transport } from '../transport/port.ts';
import { Coordinator, type Job } from './coordinator.ts';
import { Watch } from './presence.ts';

test('a run that is over looks for no more answers', async () => {
  const lookedUp: string[] = [];
  let answer!: () => void;
  const silent = new Promise<null>((resolve) => (answer = () => resolve(null)));
  const transport = {
    maximumBytes: 1e6,
    listen: () => () => undefined,
    listenForAnswers: () => () => undefined,
    listenForGivenUp: () => () => undefined,
    tell: () => undefined,
    offer: async () => ({ sequence: 1, takeBack: async () => undefined }),
    lookUp(name: string) {
      lookedUp.push(name);
      return silent;
    },
    forget: async () => undefined,
  } as unknown as Transport;
  const coordinator = new Coordinator('me', 'any', transport, new Watch(transport), 600);
  const jobs = Array.from({ length: 5 }, (_, part): Job => ({
    part,
    place: `${part}`,
    task: {} as Job['task'],
  }));
  const run = coordinator.perform(jobs, undefined, () => undefined);
  await expect(run).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  answer();
  await coordinator.end();
  expect(lookedUp).toEqual(['me.0.0']);
});
