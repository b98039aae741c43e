import type { ComponentChildren } from 'preact';
import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import type { Sight } from '../engine/question.ts';
import type { LanguageModel, NextToken, Reading } from '../engine/reading.ts';
import { type Read, useReading } from '../state/hooks.ts';
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
  const [token, setToken] = useState<number | null>(null);
  const read = useReading(client, state.text, backend);
  const { reading, error, isBusy } = read;
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
  const [isWriting, setToWrite] = useWriting(read, state.text, append);

  return (
    <>
      <Text
        value={state.text}
        onInput={(text) => {
          setToWrite(0);
          write(text);
        }}
      />
      <Problem error={error} />
      <Next {...{ reading, isBusy, isWriting }} onChoose={append} onWrite={setToWrite} />
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
        <LayerAndHead {...{ model, layer, head, setState }} />
        <div class="engines">{children}</div>
        <div class="content">
          {reading && sight && (
            <>
              <Glance
                {...{ reading, layer, head, scheme }}
                onChoose={(writeLayer, writeHead) => setState({ writeLayer, writeHead })}
              />
              <OneHead
                {...{ sight, layer, head, scheme }}
                token={selected}
                text={reading.text}
                onSelect={setToken}
              />
            </>
          )}
        </div>
      </div>
    </>
  );
}

/** Writes the likeliest tokens one after the other: whether it does, and what sets how many more. */
function useWriting(
  { reading, error, isBusy }: Read,
  text: string,
  append: (next: NextToken) => void,
): [boolean, (count: number) => void] {
  const [toWrite, setToWrite] = useState(0);
  useEffect(() => {
    if (toWrite === 0 || isBusy || reading?.text !== text) return;
    const [best] = reading.next;
    if (best === undefined || best.isEnd) return setToWrite(0);
    setToWrite(toWrite - 1);
    append(best);
  }, [toWrite, isBusy, reading]);
  useEffect(() => {
    if (error) setToWrite(0);
  }, [error]);
  return [toWrite > 0, setToWrite];
}

interface TextProps {
  readonly value: string;
  readonly onInput: (text: string) => void;
}

function Text({ value, onInput }: TextProps) {
  const id = useId();
  return (
    <div class="writing">
      <label for={id}>Text</label>
      <textarea
        id={id}
        rows={3}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </div>
  );
}

interface NextProps {
  readonly reading: Reading | null;
  readonly isBusy: boolean;
  readonly isWriting: boolean;
  readonly onChoose: (next: NextToken) => void;
  readonly onWrite: (count: number) => void;
}

/** Odds of the next token, and the button that writes some. */
function Next({ reading, isBusy, isWriting, onChoose, onWrite }: NextProps) {
  return (
    <div class="next" aria-busy={isBusy}>
      {reading && <Odds next={reading.next} onChoose={onChoose} />}
      <p class="export">
        {isWriting ? (
          <button type="button" onClick={() => onWrite(0)}>
            Stop
          </button>
        ) : (
          <button type="button" class="main" disabled={!reading} onClick={() => onWrite(WRITTEN)}>
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
  );
}

interface LayerAndHeadProps extends Pick<ViewProps, 'setState'> {
  readonly model: LanguageModel;
  readonly layer: number;
  readonly head: number;
}

function LayerAndHead({ model, layer, head, setState }: LayerAndHeadProps) {
  return (
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
  );
}

interface OneHeadProps extends Pick<ViewProps, 'scheme'> {
  readonly sight: Sight;
  readonly layer: number;
  readonly head: number;
  readonly token: number;
  readonly text: string;
  readonly onSelect: (token: number) => void;
}

/** Weights of one head, and their picture for elsewhere. */
function OneHead({ sight, layer, head, scheme, token, text, onSelect }: OneHeadProps) {
  const place = `${layer}, head ${head}`;
  const domain = domainOf(head, sight);
  return (
    <section aria-labelledby="matrix">
      <h2 id="matrix">Layer {place}</h2>
      <div class="matrix-and-lines">
        <Matrix
          {...{ head, scheme, token, domain, onSelect }}
          answer={sight}
          label={`Attention weights of layer ${place}`}
        />
        <Lines answer={sight} head={head} token={token} />
      </div>
      <Export
        view={() => pictureOf(sight, token, head, `Layer ${place} · ${text}`, domain)}
        scheme={scheme}
        canLink
        name={`layer-${layer}-head-${head}`}
      />
    </section>
  );
}

/** The heads of one layer. */
function sightOf({ tokens, heads, weights }: Reading, layer: number): Sight {
  const size = heads * tokens.length ** 2;
  // The first token, at which heads look that find nothing, would leave everything else pale.
  return { tokens, heads, weights: weights.subarray(layer * size, (layer + 1) * size), strong: 0.5 };
}
