import { HEADS, type State, TEMPERATURES, WIDEST_WINDOW } from '../state/state.ts';
import { Choice } from './choice.tsx';
import { Slider } from './slider.tsx';

interface ControlsProps {
  readonly layers: readonly number[];
  readonly state: State;
  readonly setState: (part: Partial<State>) => void;
}

/** Controls for the kind of attention. */
export function Controls({ layers, state, setState }: ControlsProps) {
  const { layer, selection, seed, window, causal, temperature, page } = state;
  return (
    <>
      <Choice
        label="Layer"
        value={layer}
        options={layers.map((value) => ({ value, name: String(value) }))}
        onChange={(value) => setState({ layer: value })}
      />
      {page === 'compare' && (
        <Slider
          label="Head"
          text={String(state.head)}
          value={state.head}
          min={0}
          max={HEADS - 1}
          step={1}
          onChange={(head) => setState({ head })}
        />
      )}
      <Choice
        label="Selection"
        value={selection}
        options={[
          { value: 'softmax', name: 'Soft' },
          { value: 'argmax', name: 'Hard' },
          { value: 'sample', name: 'Sampled' },
        ]}
        onChange={(value) => setState({ selection: value })}
      />
      {selection === 'sample' && (
        <button type="button" onClick={() => setState({ seed: seed + 1 })}>
          Draw again (seed {seed})
        </button>
      )}
      <Choice
        label="Reach"
        value={window === null ? 'global' : 'local'}
        options={[
          { value: 'global', name: 'Global' },
          { value: 'local', name: 'Local' },
        ]}
        onChange={(value) => setState({ window: value === 'global' ? null : 2 })}
      />
      {window !== null && (
        <Slider
          label="Window"
          text={`± ${window} ${window === 1 ? 'token' : 'tokens'}`}
          value={window}
          min={0}
          max={WIDEST_WINDOW}
          step={1}
          onChange={(value) => setState({ window: value })}
        />
      )}
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={causal}
          onChange={({ currentTarget }) => setState({ causal: currentTarget.checked })}
        />
        Causal: only what came before
      </label>
      <Slider
        label="Temperature"
        text={temperature.toFixed(2)}
        value={Math.log10(temperature)}
        min={Math.log10(TEMPERATURES.least)}
        max={Math.log10(TEMPERATURES.most)}
        step={0.05}
        onChange={(value) => setState({ temperature: Number((10 ** value).toFixed(3)) })}
      />
    </>
  );
}
