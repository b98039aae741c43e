import { useEffect, useState } from 'preact/hooks';
import type { LanguageModel } from '../engine/reading.ts';
import { Backends, Isolation } from '../parts/backends.tsx';
import { OpenLanguageModel } from '../parts/open-language-model.tsx';
import { ReadText } from '../parts/read-text.tsx';
import { backendForModel } from '../state/preferred.ts';
import type { ViewProps } from './view-props.ts';

/** A language model: the odds of the next token, and what each head looked at. */
export function Write(props: ViewProps) {
  const { client, backends } = props;
  const [model, setModel] = useState<LanguageModel | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const backend = chosen ?? backendForModel(backends);
  // The worker's model outlives this view.
  useEffect(() => {
    void client.engine.languageModel().then((outcome) => setModel(outcome.ok ? outcome.value : null));
  }, [client]);
  return (
    <>
      <h1>
        What comes <em>next</em>?
      </h1>
      <p class="lead">
        A language model reads your text. See which tokens it expects, and where each of its heads looked.
      </p>
      {model === null ? (
        <OpenLanguageModel client={client} onOpen={setModel} />
      ) : (
        <ReadText {...props} model={model} backend={backend}>
          <Backends backends={backends} value={backend} onChange={setChosen} />
          <Isolation />
        </ReadText>
      )}
    </>
  );
}
