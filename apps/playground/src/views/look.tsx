import type { CaptureName } from '@heed/conformance';
import type { Question } from '../engine/question.ts';
import { AddBackend, Backends, Isolation } from '../parts/backends.tsx';
import { Choice } from '../parts/choice.tsx';
import { Controls } from '../parts/controls.tsx';
import { Export } from '../parts/export.tsx';
import { Heads } from '../parts/heads.tsx';
import { Lines } from '../parts/lines.tsx';
import { Problem } from '../parts/problem.tsx';
import { Matrix, Seen, domainOf } from '../parts/sight.tsx';
import { Steps } from '../parts/steps.tsx';
import { captionOf } from '../state/caption.ts';
import { pictureOf } from '../state/picture.ts';
import { questionOf, useAnswer } from '../state/hooks.ts';
import { SENTENCES, tokenOf } from '../state/state.ts';
import type { ViewProps } from './view-props.ts';

/** One sentence of the captures. */
export function Look(props: ViewProps) {
  const { state, setState } = props;
  return (
    <>
      <h1>
        What does <em>bank</em> mean here?
      </h1>
      <p class="lead">
        A trained model finds out by looking at the other words. Choose a word to see where it looks.
      </p>
      <Choice
        label="Sentence"
        value={state.capture}
        options={(Object.keys(SENTENCES) as CaptureName[]).map((value) => ({
          value,
          name: SENTENCES[value].name,
        }))}
        onChange={(capture) => setState({ capture })}
      />
      <Explore
        {...props}
        capture={state.capture}
        layers={SENTENCES[state.capture].layers}
        title={SENTENCES[state.capture].text}
      />
    </>
  );
}

interface ExploreProps extends ViewProps {
  readonly capture: Question['capture'];
  readonly layers: readonly number[];
  readonly title: string;
  /** Number of the run of the reader's own model. */
  readonly run?: number;
}

/** One text, one layer, one head. */
export function Explore(props: ExploreProps) {
  const { client, state, setState, backends, addBackend, scheme, capture, layers, title, run } = props;
  const asked = { ...questionOf(state), capture, ...(run !== undefined && { run }) };
  const { answer, question, error, isBusy } = useAnswer(client, asked);
  const head = Math.min(state.head, (answer?.heads ?? Infinity) - 1);
  const select = (token: number): void => setState({ token });
  return (
    <>
      <Problem error={error} />
      <div class="stage" aria-busy={isBusy}>
        {answer && (
          <Seen
            {...{ answer, head, scheme }}
            token={tokenOf(state, answer.tokens)}
            domain={domainOf(head, answer)}
            onSelect={select}
          />
        )}
      </div>
      <div class="columns">
        <div class="controls" role="group" aria-label="Controls">
          <Controls {...{ layers, state, setState }} />
        </div>
        <div class="engines">
          <Backends backends={backends} value={state.backend} onChange={(backend) => setState({ backend })} />
          <Isolation />
          <AddBackend client={client} onAdd={addBackend} />
        </div>
        <div class="content">
          {answer && question && (
            <>
              <Heads {...{ answer, head, scheme }} onChange={(chosen) => setState({ head: chosen })} />
              <section aria-labelledby="matrix">
                <h2 id="matrix">
                  Layer {question.layer}, head {head}
                </h2>
                <div class="matrix-and-lines">
                  <Matrix
                    {...{ answer, head, scheme }}
                    token={tokenOf(state, answer.tokens)}
                    domain={domainOf(head, answer)}
                    label={`Attention weights of layer ${question.layer}, head ${head}`}
                    onSelect={select}
                  />
                  <Lines answer={answer} head={head} token={tokenOf(state, answer.tokens)} />
                </div>
                <p class="quiet" id="computed" data-device={answer.device}>
                  Each row adds up to 1. Computed by {answer.device} in {answer.milliseconds.toFixed(1)} ms.
                </p>
                <Export
                  view={() =>
                    pictureOf(
                      answer,
                      tokenOf(state, answer.tokens),
                      head,
                      // The part that differs between pictures comes first: a long title is cut at its end.
                      `${captionOf(question, head)} · ${title}`,
                    )
                  }
                  scheme={scheme}
                  canLink={capture !== 'own'}
                  name={`${question.capture}-layer-${question.layer}-head-${head}`}
                />
              </section>
              <Steps {...{ answer, question, head, scheme }} token={tokenOf(state, answer.tokens)} />
            </>
          )}
        </div>
      </div>
    </>
  );
}
