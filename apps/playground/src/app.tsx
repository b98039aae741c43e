import type { HeedErrorJSON } from '@heed/core';
import { useEffect, useState } from 'preact/hooks';
import icon from './icon.svg';
import { Choice } from './parts/choice.tsx';
import {
  type LongTasks,
  type Theme,
  useBackends,
  useClient,
  useLinkedState,
  useLongTasks,
  useTheme,
} from './state/hooks.ts';
import { toHash } from './state/permalink.ts';
import { preferredBackend } from './state/preferred.ts';
import { INITIAL, type Page, type State } from './state/state.ts';
import { Compare } from './views/compare.tsx';
import { Look } from './views/look.tsx';
import { Own } from './views/own.tsx';
import { Race } from './views/race.tsx';
import { Write } from './views/write.tsx';

const PAGES: readonly { readonly page: Page; readonly name: string }[] = [
  { page: 'look', name: 'Look' },
  { page: 'write', name: 'Write' },
  { page: 'compare', name: 'Compare' },
  { page: 'race', name: 'Race' },
  { page: 'own', name: 'Your model' },
];

const VIEWS = { look: Look, write: Write, compare: Compare, race: Race, own: Own };

export function App() {
  const [client, loss, restart] = useClient();
  const [state, setState] = useLinkedState();
  const [backends, addBackend] = useBackends(client);
  const [theme, scheme, setTheme] = useTheme();
  const longTasks = useLongTasks();
  const preferred = preferredBackend(backends);
  // Runs once, when it is found: the reader's own choice stays.
  useEffect(() => {
    if (preferred !== null && state.backend === INITIAL.backend) setState({ backend: preferred });
  }, [preferred]);
  const View = VIEWS[state.page];
  useEffect(() => {
    const { name } = PAGES.find(({ page }) => page === state.page)!;
    document.title = `${name}: Heed, see attention at work`;
  }, [state.page]);

  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        To the content
      </a>
      <Header state={state} />
      <main id="main" tabIndex={-1}>
        <Loss error={loss} onRestart={restart} />
        {/* What a page has from a worker goes with it. */}
        <View key={client.name} {...{ client, state, setState, backends, addBackend, scheme }} />
      </main>
      <Footer {...{ theme, setTheme, longTasks }} />
    </>
  );
}

interface LossProps {
  readonly error: HeedErrorJSON | null;
  readonly onRestart: () => void;
}

/** Says that the worker was lost. It is not started by itself: the same question may end it again. */
function Loss({ error, onRestart }: LossProps) {
  if (error === null) return null;
  return (
    <p class="problem" role="alert">
      {error.message}.{' '}
      <button type="button" onClick={onRestart}>
        Start it again
      </button>
    </p>
  );
}

/** Moves the focus without the link, since the address after # is the state's. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')!.focus();
}

function Header({ state }: { readonly state: State }) {
  return (
    <header class="top">
      <p class="brand">
        <img src={icon} alt="" width="28" height="28" /> Heed
      </p>
      <nav aria-label="Pages">
        {PAGES.map(({ page, name }) => (
          <a
            key={page}
            href={toHash({ ...state, page })}
            aria-current={page === state.page ? 'page' : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
    </header>
  );
}

interface FooterProps {
  readonly theme: Theme;
  readonly setTheme: (theme: Theme) => void;
  readonly longTasks: LongTasks | null;
}

function Footer({ theme, setTheme, longTasks }: FooterProps) {
  return (
    <footer class="bottom">
      <p>
        Queries, keys and values of all-MiniLM-L6-v2, captured on these sentences (
        <a href="./licenses.txt">licenses</a>
        ). Everything is computed here, in workers; nothing is sent anywhere.
      </p>
      <p id="long-tasks" data-longest={longTasks?.longest} data-count={longTasks?.count}>
        {describeTasks(longTasks)}
      </p>
      <Offline />
      <Choice
        label="Colors"
        value={theme}
        options={[
          { value: 'auto', name: 'Auto' },
          { value: 'light', name: 'Light' },
          { value: 'dark', name: 'Dark' },
        ]}
        onChange={setTheme}
      />
    </footer>
  );
}

function describeTasks(tasks: LongTasks | null): string {
  if (tasks === null) return 'This browser does not tell how long the main thread was busy.';
  if (tasks.count === 0) return 'Main thread: no task over 50 ms so far.';
  const { count, longest } = tasks;
  return `Main thread: ${count} ${count === 1 ? 'task' : 'tasks'} over 50 ms, the longest ${Math.round(longest)} ms.`;
}

function Offline() {
  const [isKept, setIsKept] = useState(false);
  useEffect(() => {
    void navigator.serviceWorker?.ready.then(() => setIsKept(true));
  }, []);
  return <p>{isKept ? 'Kept in this browser: works without a network.' : 'Not kept for offline use yet.'}</p>;
}
