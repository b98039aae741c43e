import type { Scheme } from '@heed/heatmap';
import { useId, useMemo } from 'preact/hooks';
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
  // Kept from one drawing to the next: a canvas is drawn anew when its weights are other ones.
  const parts = useMemo(() => {
    const size = length * length;
    return Array.from({ length: answer.heads }, (_, index) =>
      answer.weights.subarray(index * size, (index + 1) * size),
    );
  }, [answer]);
  return (
    <fieldset class="heads">
      <legend>Head</legend>
      <div>
        {parts.map((weights, index) => (
          <label key={index}>
            <input
              type="radio"
              name={name}
              value={index}
              checked={index === head}
              onChange={() => onChange(index)}
              aria-label={`Head ${index}`}
            />
            <Canvas weights={weights} length={length} domain={[0, answer.strong]} scheme={scheme} />
            <span aria-hidden="true">{index}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
