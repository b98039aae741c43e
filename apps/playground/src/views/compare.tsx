import type { CaptureName } from '@heed/conformance';
import { useState } from 'preact/hooks';
import type { Answer } from '../engine/question.ts';
import { Backends, Isolation } from '../parts/backends.tsx';
import { Controls } from '../parts/controls.tsx';
import { Problem } from '../parts/problem.tsx';
import { Matrix, Seen, domainOf } from '../parts/sight.tsx';
import { questionOf, useAnswer } from '../state/hooks.ts';
import { SENTENCES, WORD } from '../state/state.ts';
import type { ViewProps } from './view-props.ts';

const PAIR: readonly CaptureName[] = ['bank-river', 'bank-money'];

/** One word in two sentences, with one color scale. */
export function Compare({ client, state, setState, backends, scheme }: ViewProps) {
  const question = questionOf(state);
  const river = useAnswer(client, { ...question, capture: PAIR[0]! });
  const loan = useAnswer(client, { ...question, capture: PAIR[1]! });
  const answers = [river.answer, loan.answer];
  const domain = domainOf(state.head, ...answers.filter((answer) => answer !== null));
  return (
    <>
      <h1>
        The same <em>bank</em>, twice
      </h1>
      <p class="lead">
        In one sentence it is a river's, in the other it lends money. One head, one color scale.
      </p>
      <Problem error={river.error ?? loan.error} />
      <div class="columns">
        <div class="controls" role="group" aria-label="Controls">
          <Controls layers={SENTENCES['bank-river'].layers} state={state} setState={setState} />
        </div>
        <div class="engines">
          <Backends backends={backends} value={state.backend} onChange={(backend) => setState({ backend })} />
          <Isolation />
        </div>
        <div class="content pair">
          {PAIR.map((capture, index) => (
            <Side key={capture} {...{ capture, domain, scheme }} answer={answers[index]!} head={state.head} />
          ))}
        </div>
      </div>
    </>
  );
}

interface SideProps {
  readonly capture: CaptureName;
  readonly answer: Answer | null;
  readonly head: number;
  readonly domain: readonly [number, number];
  readonly scheme: 'light' | 'dark';
}

function Side({ capture, answer, head, domain, scheme }: SideProps) {
  const [chosen, setChosen] = useState<number | null>(null);
  if (answer === null) return <section aria-busy="true" />;
  const token = chosen ?? Math.max(0, answer.tokens.indexOf(WORD));
  const { text, name } = SENTENCES[capture];
  return (
    <section aria-label={text}>
      <h2>{name}</h2>
      <Seen {...{ answer, head, domain, scheme, token }} onSelect={setChosen} />
      <Matrix
        {...{ answer, head, domain, scheme, token }}
        label={`Attention weights, ${text}`}
        onSelect={setChosen}
      />
    </section>
  );
}
