import { proxy } from 'comlink';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Client, startEngine } from '../engine/client.ts';
import { NAIVE } from '../engine/offers.ts';
import type { RaceOptions, RaceResult } from '../engine/race.ts';
import { Chart, type Line } from '../parts/chart.tsx';
import { Choice } from '../parts/choice.tsx';
import { LONGEST } from '../state/state.ts';
import type { ViewProps } from './view-props.ts';

const SHORTEST = 256;
const WINDOW = 63;
/** Name of failures that are those of no contestant. */
const RACE = 'The race';
const COLORS = ['#d5485a', '#2f7dd1', '#1f9d74', '#b57a00', '#8a5bd6', '#4b8f9c', '#c25f9c'];

interface Contestant {
  readonly id: string;
  readonly label: string;
}

/** Every backend against the formula as it is written, as inputs double. */
export function Race({ state, setState, backends }: ViewProps) {
  const [left, setLeft] = useState<readonly string[]>([]);
  const { results, failures, isRunning, start, stop } = useRace();

  const lengths: number[] = [];
  for (let length = SHORTEST; length <= state.longest; length *= 2) lengths.push(length);
  const available = backends.filter(({ status }) => status === 'available');
  const everyone: Contestant[] = [{ id: NAIVE, label: 'Naive: the whole matrix' }, ...available];
  const contestants = everyone.filter(({ id }) => !left.includes(id));
  const options = {
    lengths,
    contestants: contestants.map(({ id }) => id),
    window: state.local ? WINDOW : null,
  };

  return (
    <>
      <h1>
        Twice the words, <em>how much</em> more?
      </h1>
      <p class="lead">
        Attention as the formula is written keeps a whole matrix: inputs double, time × 4, memory × 4. In
        tiles it takes time × 4 still, but memory × 2; and local attention × 2 of both. Measured here, in your
        browser.
      </p>
      <div class="bar-of-controls">
        <Choice
          label="Up to"
          value={state.longest}
          options={LONGEST.map((value) => ({ value, name: value.toLocaleString('en') }))}
          onChange={(longest) => setState({ longest })}
        />
        <Choice
          label="Reach"
          value={state.local ? 'local' : 'global'}
          options={[
            { value: 'global', name: 'Global' },
            { value: 'local', name: `Local, ${WINDOW + 1} tokens` },
          ]}
          onChange={(value) => setState({ local: value === 'local' })}
        />
        <button type="button" class="main" onClick={isRunning ? stop : () => void start(options)}>
          {isRunning ? 'Stop' : 'Start the race'}
        </button>
      </div>
      <Contestants
        {...{ everyone, left }}
        isDisabled={isRunning}
        onChange={(id) =>
          setLeft((all) => (all.includes(id) ? all.filter((one) => one !== id) : [...all, id]))
        }
      />
      <p role="status" class="quiet">
        {isRunning
          ? `Running: ${results.length} of ${lengths.length * contestants.length}.`
          : `${results.length} measured.`}
      </p>
      {Object.entries(failures).map(([contestant, message]) => (
        <p key={contestant} class="problem" role="alert">
          <b>{everyone.find(({ id }) => id === contestant)?.label ?? contestant}:</b> {message}
        </p>
      ))}
      {results.length > 0 && (
        <>
          <Charts {...{ everyone, results, lengths }} />
          <Table {...{ results, lengths, contestants }} />
        </>
      )}
      <p class="quiet">
        Two heads of 32 numbers a token. Time: the median of several runs after one that is not counted.
        Memory: inputs, output, and the working memory that a backend plans with; for the naive way, the
        matrix of one head.
      </p>
    </>
  );
}

interface Running {
  readonly results: readonly RaceResult[];
  /** Messages of the contestants that failed. */
  readonly failures: Readonly<Record<string, string>>;
  readonly isRunning: boolean;
  readonly start: (options: RaceOptions) => Promise<void>;
  readonly stop: () => void;
}

/** A race in a worker of its own, which ends with the view. */
function useRace(): Running {
  const [results, setResults] = useState<readonly RaceResult[]>([]);
  const [failures, setFailures] = useState<Readonly<Record<string, string>>>({});
  const [isRunning, setIsRunning] = useState(false);
  const last = useRef<Client | null>(null);
  useEffect(() => () => last.current?.end(), []);
  const stop = (): void => {
    last.current?.end();
    last.current = null;
    setIsRunning(false);
  };
  const start = async (options: RaceOptions): Promise<void> => {
    const client = startEngine();
    last.current = client;
    setResults([]);
    setFailures({});
    setIsRunning(true);
    const ended = await client.engine.race(
      options,
      proxy((contestant, _length, outcome) => {
        if (last.current !== client) return;
        if (outcome.ok) setResults((all) => [...all, outcome.value]);
        else setFailures((all) => ({ ...all, [contestant]: outcome.error.message }));
      }),
    );
    if (last.current !== client) return;
    if (!ended.ok) setFailures((all) => ({ ...all, [RACE]: ended.error.message }));
    stop();
  };
  return { results, failures, isRunning, start, stop };
}

interface ContestantsProps {
  readonly everyone: readonly Contestant[];
  /** Ids of those that do not take part. */
  readonly left: readonly string[];
  readonly isDisabled: boolean;
  readonly onChange: (id: string) => void;
}

function Contestants({ everyone, left, isDisabled, onChange }: ContestantsProps) {
  return (
    <fieldset class="contestants">
      <legend>Contestants</legend>
      {everyone.map(({ id, label }, index) => (
        <label key={id} style={{ accentColor: COLORS[index % COLORS.length] }}>
          <input
            type="checkbox"
            checked={!left.includes(id)}
            disabled={isDisabled}
            onChange={() => onChange(id)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface ChartsProps {
  readonly everyone: readonly Contestant[];
  readonly results: readonly RaceResult[];
  readonly lengths: readonly number[];
}

/** Time and memory by length, a line a contestant. */
function Charts({ everyone, results, lengths }: ChartsProps) {
  const lineOf = (pick: (result: RaceResult) => number): Line[] =>
    everyone.map(({ id, label }, index) => ({
      name: label,
      color: COLORS[index % COLORS.length]!,
      isDashed: id === NAIVE,
      points: results
        .filter(({ contestant }) => contestant === id)
        .map((result) => [result.length, pick(result)] as const),
    }));
  return (
    <div class="charts">
      <Chart
        title="Time of one call"
        lines={lineOf(({ milliseconds }) => milliseconds)}
        xs={lengths}
        base={10}
        format={time}
      />
      <Chart
        title="Memory of one call"
        lines={lineOf(({ bytes }) => bytes)}
        xs={lengths}
        base={4}
        format={memory}
      />
    </div>
  );
}

interface TableProps {
  readonly results: readonly RaceResult[];
  readonly lengths: readonly number[];
  readonly contestants: readonly Contestant[];
}

/** Numbers, with the growth of each since half the length. */
function Table({ results, lengths, contestants }: TableProps) {
  const find = (id: string, length: number): RaceResult | undefined =>
    results.find((result) => result.contestant === id && result.length === length);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Results">
      <table class="numbers race">
        <caption class="unseen">Time and memory by length, with the growth since half the length</caption>
        <thead>
          <tr>
            <th scope="col">tokens</th>
            {contestants.map(({ id, label }) => (
              <th key={id} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lengths.map((length) => (
            <tr key={length}>
              <th scope="row">{length.toLocaleString('en')}</th>
              {contestants.map(({ id }) => {
                const [result, half] = [find(id, length), find(id, length / 2)];
                return (
                  <td key={id}>
                    {result && (
                      <>
                        <b>{time(result.milliseconds)}</b>{' '}
                        {half && (
                          <span class="growth">× {(result.milliseconds / half.milliseconds).toFixed(1)}</span>
                        )}
                        <br />
                        <span class="quiet">{memory(result.bytes)}</span>{' '}
                        {half && (
                          <span class="growth memory">× {(result.bytes / half.bytes).toFixed(1)}</span>
                        )}
                      </>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function time(milliseconds: number): string {
  if (milliseconds >= 1000) return `${round(milliseconds / 1000)} s`;
  return milliseconds >= 1 ? `${round(milliseconds)} ms` : `${round(milliseconds * 1000)} µs`;
}

function memory(bytes: number): string {
  return bytes >= 2 ** 20 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 2 ** 10)} KiB`;
}

function round(value: number): string {
  return value < 10 ? value.toFixed(1).replace('.0', '') : value.toFixed(0);
}
