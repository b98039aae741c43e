import { afterEach, describe, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** A clock that advances 20 ms each time it is read. */
function slowClock(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 20));
}

function* steps(
  count: number,
  onStep: (n: number) => unknown = () => undefined,
): Generator<void, string, void> {
  for (let n = 0; n < count; n++) {
    onStep(n);
    yield;
  }
  return 'done';
}

describe.for([
  ['MessageChannel'],
  ['setImmediate', 'MessageChannel'],
  ['setTimeout', 'MessageChannel', 'setImmediate'],
] as const)('turns by %s', ([, ...missing]) => {
  async function load(): Promise<typeof import('./turns.ts')> {
    const { MessageChannel: Channel } = globalThis;
    for (const name of missing) vi.stubGlobal(name, undefined);
    vi.stubGlobal('TestChannel', Channel);
    return import('./turns.ts');
  }

  test('others are served while a long call computes', async () => {
    const { inTurns } = await load();
    slowClock();
    const seen: string[] = [];
    const { port1, port2 } = new (
      globalThis as never as { TestChannel: typeof MessageChannel }
    ).TestChannel();
    const served = new Promise<void>((resolve) => {
      port1.addEventListener('message', () => {
        seen.push('message');
        port1.close();
        resolve();
      });
      port1.start();
    });
    port2.postMessage(null);
    const call = inTurns(
      steps(1000, (n) => seen.push(`step ${n}`)),
      undefined,
    );
    await Promise.all([served, call]);
    expect(seen.indexOf('message')).toBeGreaterThan(0);
    expect(seen.indexOf('message')).toBeLessThan(1000);
    expect(await call).toBe('done');
  });

  test('an abort ends the call at the next turn, with the reason', async () => {
    const { inTurns } = await load();
    slowClock();
    const controller = new AbortController();
    const reason = new Error('enough');
    let last = 0;
    const call = inTurns(
      steps(1000, (n) => {
        last = n;
        if (n === 10) controller.abort(reason);
      }),
      controller.signal,
    );
    await expect(call).rejects.toBe(reason);
    expect(last).toBeLessThan(20);
  });
});

test('a short call takes no turn', async () => {
  const { inTurns } = await import('./turns.ts');
  vi.spyOn(performance, 'now').mockReturnValue(0);
  let settled = false;
  void inTurns(steps(1000), undefined).then(() => (settled = true));
  await Promise.resolve();
  expect(settled).toBe(true);
});

describe('where a test runner replaces the timers', () => {
  afterEach(() => void vi.useRealTimers());

  const toFake = ['setImmediate', 'setTimeout', 'setInterval'] as const;
  test.each([[[]], [['MessageChannel']]])('a long call ends, also without %j', async (missing) => {
    vi.useFakeTimers({ toFake: [...toFake] });
    for (const name of missing) vi.stubGlobal(name, undefined);
    vi.resetModules();
    const { inTurns } = await import('./turns.ts');
    slowClock();
    expect(await inTurns(steps(1000), undefined)).toBe('done');
  });

  test('an abort is heard', async () => {
    vi.useFakeTimers({ toFake: [...toFake] });
    vi.resetModules();
    const { inTurns } = await import('./turns.ts');
    slowClock();
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = inTurns(
      steps(1000, (n) => n === 10 && controller.abort(reason)),
      controller.signal,
    );
    await expect(call).rejects.toBe(reason);
  });
});

test('without performance the time of day tells when a turn is due', async () => {
  const { inTurns } = await import('./turns.ts');
  vi.stubGlobal('performance', undefined);
  let time = 0;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (time += 20));
  expect(await inTurns(steps(100), undefined)).toBe('done');
  expect(clock.mock.calls.length).toBeGreaterThan(100);
});
