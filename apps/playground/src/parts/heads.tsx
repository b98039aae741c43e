import type { Scheme } from '@heed/heatmap';
import { useId } from 'preact/hooks';
import type { Answer } from '../engine/question.ts';
import { Canvas } from './canvas.tsx';

interface HeadsProps {
  readonly answer: Answer;
  readonly head: number;
  readonly scheme: Scheme;
  readonly onChange: (head: number) => void;
}

/** All heads of the layer as small pictures: choose one. */
export function Heads({ answer, head, scheme, onChange }: HeadsProps) {
  const name = useId();
  const length = answer.tokens.length;
  const size = length * length;
  return (
    <fieldset class="heads">
      <legend>Head</legend>
      <div>
        {Array.from({ length: answer.heads }, (_, index) => (
          <label key={index}>
            <input
              type="radio"
              name={name}
              value={index}
              checked={index === head}
              onChange={() => onChange(index)}
              aria-label={`Head ${index}`}
            />
            <Canvas
              weights={answer.weights.subarray(index * size, (index + 1) * size)}
              length={length}
              domain={[0, answer.strong]}
              scheme={scheme}
            />
            <span aria-hidden="true">{index}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
