import type { Transport } from '../transport/port.ts';

/** Silence of a caller, in milliseconds, after which it counts as dead. A machine may sleep meanwhile. */
const CALLER_LIFE = 3_600_000;
/** Time between two signs of life of a caller, in milliseconds. */
const SIGN = 10_000;

/** Keeps signs of life coming until its end is called. */
export async function signed(
  transport: Transport,
  caller: string,
  interval: number = SIGN,
): Promise<() => void> {
  await transport.sign(caller);
  const timer = setInterval(() => void transport.sign(caller).catch(() => undefined), interval);
  // A caller that has nothing else to do may end.
  timer.unref();
  return () => clearInterval(timer);
}

/** Deletes what dead callers have left in the store and with the workers, and returns their names. */
export async function sweep(transport: Transport, life: number = CALLER_LIFE): Promise<string[]> {
  const dead = (await transport.callers()).filter(({ silence }) => silence > life);
  for (const { caller } of dead) {
    transport.tell('free', new TextEncoder().encode(caller));
    await transport.bury(caller);
  }
  return dead.map(({ caller }) => caller);
}
