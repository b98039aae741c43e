import { useState } from 'preact/hooks';
import type { ModelState } from '../engine/dropped-model.ts';
import { OwnModel } from '../parts/own-model.tsx';
import { Explore } from './look.tsx';
import type { ViewProps } from './view-props.ts';

/** The same as {@link Look}, for the reader's own model and text. */
export function Own(props: ViewProps) {
  const { client, state } = props;
  const [model, setModel] = useState<ModelState | null>(null);
  const [run, setRun] = useState(0);
  return (
    <>
      <h1>
        A model of <em>your own</em>
      </h1>
      <p class="lead">
        Drop any model to see how many attention heads it has, and where. An encoder like BERT, with the file
        of its tokenizer, also runs here, on the backend that you choose.
      </p>
      <OwnModel
        client={client}
        backend={state.backend}
        onRun={(loaded) => {
          setModel(loaded);
          setRun((count) => count + 1);
        }}
      />
      {model && (
        <Explore
          {...props}
          capture="own"
          run={run}
          layers={Array.from({ length: model.layers }, (_, layer) => layer)}
          title="Own model"
        />
      )}
    </>
  );
}
