import type { Scheme } from '@heed/heatmap';
import { useId, useMemo } from 'preact/hooks';
import type { Sight } from '../engine/question.ts';
import { Canvas } from './canvas.tsx';

interface HeadsProps {
  readonly answer: Sight;
  readonly head: number;
  readonly scheme: Scheme;
  readonly onChange: (head: number) => void;
}

/** All heads of the layer as small pictures to choose from. */
export function Heads({ answer, head, scheme, onChange }: HeadsProps) {
  const name = useId();
  const length = answer.tokens.length;
  // Kept between renderings: a canvas redraws when its weights are a different array.
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
