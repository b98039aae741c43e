import { type Scheme, colorAt, toHex } from '@heed/heatmap';
import type { Answer, Question } from '../engine/question.ts';
import { explain, rowOf } from '../state/explain.ts';
import { textOf } from './cell-style.ts';

interface StepsProps {
  readonly answer: Answer;
  readonly question: Question;
  readonly head: number;
  readonly token: number;
  readonly scheme: Scheme;
}

/** Largest number of keys: a longer sentence shows those with the largest weights. */
const MOST_ROWS = 12;

/** Steps from one token to its output, with the numbers: scores, weights, the sum of the values. */
export function Steps({ answer, question, head, token, scheme }: StepsProps) {
  const explanation = explain(answer, question, head, token);
  const { steps, query, output, largest, sum, difference } = explanation;
  const word = textOf(answer.tokens[token]!);
  const shown = [...steps]
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MOST_ROWS)
    .sort((a, b) => a.key - b.key);
  const hidden = steps.length - shown.length;
  const isSoft = question.selection === 'softmax';
  const isSampled = question.selection === 'sample';
  /** Columns between a vector at the left and one at the right. */
  const between = isSoft ? 5 : isSampled ? 6 : 4;
  const length = answer.tokens.length;
  const vectorOf = (data: Float32Array, j: number): Float32Array =>
    rowOf(data, length, answer.headDim, head, j);

  return (
    <section class="steps" aria-labelledby="steps">
      <h2 id="steps">Step by step: where “{word}” looks</h2>
      <ol>
        <li>
          <h3>Scores</h3>
          <p>
            The query of “{word}” is multiplied with the key of each token, number by number, and scaled by
            1/√
            {answer.headDim} = {answer.scale.toFixed(4)}
            {question.temperature === 1 ? '' : `, then divided by the temperature ${question.temperature}`}. A
            large score: the two fit.
          </p>
        </li>
        <li>
          <h3>{isSoft ? 'Weights' : 'The choice'}</h3>
          <p>
            {isSoft
              ? `Softmax: e to the power of each score (less the largest, ${largest.toFixed(2)}, so that nothing overflows), divided by their sum, ${sum.toFixed(3)}. The weights add up to 1.`
              : question.selection === 'argmax'
                ? `Hard attention: the key with the largest score, ${largest.toFixed(2)}, gets weight 1, every other 0.`
                : `Hard attention by chance: each score gets Gumbel noise of seed ${question.seed}, and the largest wins. Over many seeds, keys win as often as softmax says.`}
          </p>
        </li>
        <li>
          <h3>Output</h3>
          <p>Each token's value times its weight, added up: what “{word}” takes with it to the next layer.</p>
        </li>
      </ol>
      <div class="scroll" tabIndex={0} role="region" aria-label="The numbers of each step">
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">key</th>
              <th scope="col">its numbers</th>
              <th scope="col">q · k</th>
              <th scope="col">score</th>
              {isSoft && <th scope="col">e^(score − max)</th>}
              {isSampled && <th scope="col">noise</th>}
              {isSampled && <th scope="col">score + noise</th>}
              <th scope="col">weight</th>
              <th scope="col">value</th>
            </tr>
          </thead>
          <tbody>
            <tr class="self">
              <th scope="row">query “{word}”</th>
              <td>
                <Strip values={query} scheme={scheme} name={`query of ${word}`} />
              </td>
              <td colSpan={between} />
            </tr>
            {shown.map((step) => (
              <tr key={step.key} class={step.score === null ? 'out' : undefined}>
                <th scope="row">
                  <bdi>{textOf(step.token)}</bdi>
                </th>
                <td>
                  <Strip
                    values={vectorOf(answer.key, step.key)}
                    scheme={scheme}
                    name={`key of ${textOf(step.token)}`}
                  />
                </td>
                <td>{step.dot.toFixed(2)}</td>
                <td>{step.score === null ? 'out of sight' : step.score.toFixed(3)}</td>
                {isSoft && <td>{step.score === null ? '' : step.exponential.toFixed(4)}</td>}
                {isSampled && <td>{step.score === null ? '' : step.noise.toFixed(3)}</td>}
                {isSampled && <td>{step.score === null ? '' : (step.score + step.noise).toFixed(3)}</td>}
                <td class="bar">
                  <span style={{ width: `${100 * step.weight}%` }} aria-hidden="true" />
                  <b>{step.weight.toFixed(3)}</b>
                </td>
                <td>
                  <Strip
                    values={vectorOf(answer.value, step.key)}
                    scheme={scheme}
                    name={`value of ${textOf(step.token)}`}
                  />
                </td>
              </tr>
            ))}
            <tr class="self">
              <th scope="row">output “{word}”</th>
              <td colSpan={between}>Σ weight · value =</td>
              <td>
                <Strip values={output} scheme={scheme} name={`output of ${word}`} />
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      {hidden > 0 && (
        <p class="quiet">The {hidden} tokens with the least weight are left out of the table.</p>
      )}
      <p class="quiet" id="check" data-difference={difference}>
        Checked: adding up the values by hand differs from the backend's output by at most{' '}
        {difference.toExponential(1)}.
      </p>
    </section>
  );
}

interface StripProps {
  readonly values: Float32Array;
  readonly scheme: Scheme;
  readonly name: string;
}

/** The numbers of a vector as a strip: dark for large ones, either sign, a bar up or down. */
function Strip({ values, scheme, name }: StripProps) {
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const color = (value: number): string =>
    toHex(colorAt('viridis', 0.25 + (0.6 * Math.abs(value)) / most, scheme));
  const numbers = Array.from(values, (value) => value.toFixed(2)).join(', ');
  return (
    <svg class="strip" viewBox={`0 0 ${values.length} 10`} preserveAspectRatio="none" role="img">
      <title>{`${name}: ${numbers}`}</title>
      {Array.from(values, (value, d) => {
        const height = (5 * Math.abs(value)) / most;
        return (
          <rect
            key={d}
            x={d + 0.1}
            width={0.8}
            y={value > 0 ? 5 - height : 5}
            height={height}
            fill={color(value)}
          />
        );
      })}
    </svg>
  );
}
