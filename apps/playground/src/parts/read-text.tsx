import type { ComponentChildren } from 'preact';
import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import type { Sight } from '../engine/question.ts';
import type { LanguageModel, NextToken, Reading } from '../engine/reading.ts';
import { useReading } from '../state/hooks.ts';
import { pictureOf } from '../state/picture.ts';
import type { ViewProps } from '../views/view-props.ts';
import { Export } from './export.tsx';
import { Glance } from './glance.tsx';
import { Lines } from './lines.tsx';
import { Odds } from './odds.tsx';
import { Problem } from './problem.tsx';
import { Matrix, Seen, domainOf } from './sight.tsx';
import { Slider } from './slider.tsx';

interface ReadTextProps extends ViewProps {
  readonly model: LanguageModel;
  /** Null until it is known which one is best. */
  readonly backend: string | null;
  /** Choices that stand below the head's. */
  readonly children: ComponentChildren;
}

/** Number of tokens that one click writes. */
const WRITTEN = 8;

/** A text, what the model expects next, and all of its heads. */
export function ReadText(props: ReadTextProps) {
  const { client, state, setState, scheme, model, backend, children } = props;
  const id = useId();
  const [toWrite, setToWrite] = useState(0);
  const [token, setToken] = useState<number | null>(null);
  const { reading, error, isBusy } = useReading(client, state.text, backend);
  const layer = Math.min(state.writeLayer, model.layers - 1);
  const head = Math.min(state.writeHead, model.heads - 1);
  const sight = useMemo(() => reading && sightOf(reading, layer), [reading, layer]);
  const last = (reading?.tokens.length ?? 1) - 1;
  const selected = Math.min(token ?? last, last);
  const write = (text: string): void => {
    setToken(null);
    setState({ text });
  };
  const append = (next: NextToken): void => write(state.text + next.text);

  useEffect(() => {
    if (toWrite === 0 || isBusy || reading?.text !== state.text) return;
    const [best] = reading.next;
    if (best === undefined || best.isEnd) return setToWrite(0);
    setToWrite(toWrite - 1);
    append(best);
  }, [toWrite, isBusy, reading]);
  useEffect(() => {
    if (error) setToWrite(0);
  }, [error]);

  return (
    <>
      <div class="writing">
        <label for={id}>Text</label>
        <textarea
          id={id}
          rows={3}
          value={state.text}
          onInput={({ currentTarget }) => {
            setToWrite(0);
            write(currentTarget.value);
          }}
        />
      </div>
      <Problem error={error} />
      <div class="next" aria-busy={isBusy}>
        {reading && <Odds next={reading.next} onChoose={append} />}
        <p class="export">
          {toWrite > 0 ? (
            <button type="button" onClick={() => setToWrite(0)}>
              Stop
            </button>
          ) : (
            <button type="button" class="main" disabled={!reading} onClick={() => setToWrite(WRITTEN)}>
              Write {WRITTEN} tokens
            </button>
          )}
          {reading && (
            <span class="quiet" id="read" data-device={reading.device}>
              {reading.tokens.length} tokens; {reading.computed} computed by {reading.device} in{' '}
              {reading.milliseconds.toFixed(0)} ms.
            </span>
          )}
        </p>
      </div>
      <div class="stage" aria-busy={isBusy}>
        {sight && (
          <Seen
            {...{ head, scheme }}
            answer={sight}
            token={selected}
            domain={domainOf(head, sight)}
            onSelect={setToken}
          />
        )}
      </div>
      <div class="columns">
        <div class="controls" role="group" aria-label="Controls">
          <Slider
            label="Layer"
            text={String(layer)}
            value={layer}
            min={0}
            max={model.layers - 1}
            step={1}
            onChange={(writeLayer) => setState({ writeLayer })}
          />
          <Slider
            label="Head"
            text={String(head)}
            value={head}
            min={0}
            max={model.heads - 1}
            step={1}
            onChange={(writeHead) => setState({ writeHead })}
          />
        </div>
        <div class="engines">{children}</div>
        <div class="content">
          {reading && sight && (
            <>
              <Glance
                {...{ reading, layer, head, scheme }}
                onChoose={(writeLayer, writeHead) => setState({ writeLayer, writeHead })}
              />
              <section aria-labelledby="matrix">
                <h2 id="matrix">
                  Layer {layer}, head {head}
                </h2>
                <div class="matrix-and-lines">
                  <Matrix
                    {...{ head, scheme }}
                    answer={sight}
                    token={selected}
                    domain={domainOf(head, sight)}
                    label={`Attention weights of layer ${layer}, head ${head}`}
                    onSelect={setToken}
                  />
                  <Lines answer={sight} head={head} token={selected} />
                </div>
                <Export
                  view={() =>
                    pictureOf(
                      sight,
                      selected,
                      head,
                      `Layer ${layer}, head ${head} · ${reading.text}`,
                      domainOf(head, sight),
                    )
                  }
                  scheme={scheme}
                  canLink
                  name={`layer-${layer}-head-${head}`}
                />
              </section>
            </>
          )}
        </div>
      </div>
    </>
  );
}

/** The heads of one layer. */
function sightOf({ tokens, heads, weights }: Reading, layer: number): Sight {
  const size = heads * tokens.length ** 2;
  // The first token, at which heads look that find nothing, would leave everything else pale.
  return { tokens, heads, weights: weights.subarray(layer * size, (layer + 1) * size), strong: 0.5 };
}
