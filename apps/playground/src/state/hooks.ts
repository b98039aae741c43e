import { useEffect, useMemo, useState } from 'preact/hooks';
import type { HeedErrorJSON } from '@heed/core';
import { type Client, LOST, startEngine } from '../engine/client.ts';
import { OFFERS } from '../engine/offers.ts';
import type { Answer, BackendState, Outcome, Question } from '../engine/question.ts';
import type { Reading } from '../engine/reading.ts';
import { fromHash, toHash } from './permalink.ts';
import { type State, change } from './state.ts';

/** State that is synchronized with the address. */
export function useLinkedState(): [State, (part: Partial<State>) => void] {
  const [state, setState] = useState(() => fromHash(location.hash));
  useEffect(() => {
    const follow = (): void => setState(({ backend }) => change(fromHash(location.hash), { backend }));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    let retry = 0;
    const write = (): void => {
      const hash = toHash(state);
      if (hash === location.hash || (location.hash === '' && hash === '#look')) return;
      try {
        history.replaceState(null, '', hash);
      } catch {
        // Safari throws after 100 times within 10 seconds, which a slider reaches.
        retry = window.setTimeout(write, 1000);
      }
    };
    write();
    return () => clearTimeout(retry);
  }, [state]);
  return [state, (part) => setState((now) => change(now, part))];
}

const LOOKING: readonly BackendState[] = OFFERS.map(({ id, label }) => ({
  id,
  label,
  status: 'looking',
  detail: 'looking…',
}));

/** The worker that computes; its error when it is lost; and a function that starts another one. */
export function useClient(): [Client, HeedErrorJSON | null, () => void] {
  const [client, setClient] = useState(startEngine);
  const [loss, setLoss] = useState<{ readonly of: Client; readonly error: HeedErrorJSON } | null>(null);
  useEffect(() => {
    void client.lost.then((error) => setLoss({ of: client, error }));
  }, [client]);
  const restart = (): void => {
    client.end();
    setClient(startEngine());
  };
  return [client, loss?.of === client ? loss.error : null, restart];
}

/** Every backend, examined one after the other so that the first answer does not wait. */
export function useBackends(client: Client): [readonly BackendState[], (added: BackendState) => void] {
  const [backends, setBackends] = useState(LOOKING);
  const put = (one: BackendState): void =>
    setBackends((all) =>
      all.some(({ id }) => id === one.id)
        ? all.map((other) => (other.id === one.id ? one : other))
        : [...all, one],
    );
  useEffect(() => {
    let isCurrent = true;
    setBackends(LOOKING);
    void (async () => {
      await firstPaint();
      for (const offer of OFFERS) {
        const outcome = await client.engine.examine(offer.id);
        if (!isCurrent) return;
        if (outcome.ok) put(outcome.value);
        else put({ ...offer, status: 'unavailable', detail: outcome.error.message });
      }
    })();
    return () => {
      isCurrent = false;
    };
  }, [client]);
  return [backends, put];
}

/** Waits for the first paint: engines take a while to load, and share the machine with the page. */
async function firstPaint(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
}

/** The question that a state asks of a sentence. */
export function questionOf(state: State): Question {
  const { backend, capture, layer, selection, seed, causal, window, temperature } = state;
  return { backend, capture, layer, selection, seed, causal, window, temperature };
}

/** Answer to a question; the previous one until the next arrives. */
export interface Asked {
  readonly answer: Answer | null;
  /** Question of the answer. */
  readonly question: Question | null;
  readonly error: Extract<Outcome<never>, { ok: false }>['error'] | null;
  readonly isBusy: boolean;
}

export function useAnswer(client: Client, question: Question): Asked {
  const { value, of, error, isBusy } = useOutcome(question, client.engine.ask);
  return { answer: value, question: of, error, isBusy };
}

/** A text as the model has read it; the one before until the next is there. */
export interface Read {
  readonly reading: Reading | null;
  readonly error: Asked['error'];
  readonly isBusy: boolean;
}

/** Reads a text; waits while it is not known yet which backend reads it. */
export function useReading(client: Client, text: string, backend: string | null): Read {
  const asked = backend === null ? null : { text, backend };
  const { value, error, isBusy } = useOutcome(asked, (now) => client.engine.read(now.text, now.backend));
  return { reading: value, error, isBusy };
}

interface Settled<A, T> {
  readonly value: T | null;
  /** Question that `value` answers. */
  readonly of: A | null;
  readonly error: Extract<Outcome<never>, { ok: false }>['error'] | null;
  /** Last question that has ended, well or not, as JSON. */
  readonly key: string | null;
}

/**
 * Outcome of what is asked now, plain data; the value before until it is there. It is busy from the first picture after a
 * change, so that nobody takes the old value for the new one. Null asks nothing yet.
 */
function useOutcome<A, T>(
  asked: A | null,
  ask: (asked: A) => Promise<Outcome<T>>,
): Settled<A, T> & { readonly isBusy: boolean } {
  const [settled, setSettled] = useState<Settled<A, T>>({ value: null, of: null, error: null, key: null });
  const key = JSON.stringify(asked);
  useEffect(() => {
    if (asked === null) return undefined;
    let isCurrent = true;
    void (async () => {
      const outcome = await ask(asked);
      if (!isCurrent) return;
      setSettled((before) =>
        outcome.ok
          ? { value: outcome.value, of: asked, error: null, key }
          : // The page itself tells of a lost worker.
            { ...before, error: outcome.error.clause === LOST ? null : outcome.error, key },
      );
    })();
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return { ...settled, isBusy: settled.key !== key };
}

const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Returns the choice of an earlier visit. A browser that keeps nothing throws. */
function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem('theme');
    return THEMES.find((theme) => theme === kept) ?? 'auto';
  } catch {
    return 'auto';
  }
}

function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // It lasts for this visit.
  }
}

/** The reader's choice of light or dark, and the resulting scheme. */
export function useTheme(): [Theme, 'light' | 'dark', (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(keptTheme);
  const dark = useMemo(() => matchMedia('(prefers-color-scheme: dark)'), []);
  const [prefersDark, setPrefersDark] = useState(dark.matches);
  useEffect(() => {
    const follow = (): void => setPrefersDark(dark.matches);
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, [dark]);
  const scheme = theme === 'auto' ? (prefersDark ? 'dark' : 'light') : theme;
  useEffect(() => {
    document.documentElement.dataset['scheme'] = scheme;
    keepTheme(theme);
  }, [scheme, theme]);
  return [theme, scheme, setTheme];
}

/** Tasks of the main thread that took longer than 50 ms, as the browser counts them. */
export interface LongTasks {
  readonly count: number;
  readonly longest: number;
}

export function useLongTasks(): LongTasks | null {
  const isKnown = PerformanceObserver.supportedEntryTypes.includes('longtask');
  const [tasks, setTasks] = useState<LongTasks>({ count: 0, longest: 0 });
  useEffect(() => {
    if (!isKnown) return undefined;
    const observer = new PerformanceObserver((list) => {
      const durations = list.getEntries().map(({ duration }) => duration);
      setTasks(({ count, longest }) => ({
        count: count + durations.length,
        longest: Math.max(longest, ...durations),
      }));
    });
    observer.observe({ type: 'longtask', buffered: true });
    return () => observer.disconnect();
  }, [isKnown]);
  return isKnown ? tasks : null;
}
