import { useId, useState } from 'preact/hooks';
import type { Client } from '../engine/client.ts';
import type { AttentionList } from '../engine/attention-list.ts';
import type { ModelState } from '../engine/dropped-model.ts';
import { AttentionLists } from './attention-list.tsx';
import { Drop } from './drop.tsx';

interface OwnModelProps {
  readonly client: Client;
  readonly backend: string;
  /** Called after the model has run on a text, with the model and the number of its runs. */
  readonly onRun: (model: ModelState) => void;
}

/** A model of the reader's own: its files, and a text for it. */
export function OwnModel({ client, backend, onRun }: OwnModelProps) {
  const id = useId();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [heads, setHeads] = useState('');
  const [text, setText] = useState('She sat on the bank and watched the river.');
  const [message, setMessage] = useState('');
  const [loaded, setLoaded] = useState<{ readonly key: string; readonly model: ModelState } | null>(null);

  const [lists, setLists] = useState<readonly AttentionList[]>([]);

  const take = async (taken: readonly File[]): Promise<void> => {
    setFiles(taken);
    setMessage('');
    const outcome = await client.engine.listAttention([...taken]);
    setLists(outcome.ok ? outcome.value : []);
    if (!outcome.ok) setMessage(outcome.error.message);
  };

  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = `${files.map(({ name, size, lastModified }) => [name, size, lastModified].join()).join()} ${heads}`;
    let model = loaded?.key === key ? loaded.model : null;
    if (model === null) {
      setMessage('Reading the model…');
      const outcome = await client.engine.loadModel([...files], heads === '' ? null : Number(heads));
      if (!outcome.ok) return setMessage(outcome.error.message);
      model = outcome.value;
      setLoaded({ key, model });
    }
    setMessage('Running the model…');
    const outcome = await client.engine.runModel(text, backend);
    if (!outcome.ok) return setMessage(outcome.error.message);
    setMessage(`${outcome.value.length} tokens through ${model.layers} layers of ${model.heads} heads.`);
    onRun(model);
  };

  return (
    <form class="own" onSubmit={run}>
      <Drop
        title="Drop a model's files here, or choose them"
        hint="Any .safetensors or .gguf file: its attention is listed. With tokenizer.json and config.json, a BERT runs here. They stay in this browser."
        accept=".safetensors,.gguf,.json"
        names={files.map(({ name }) => name)}
        onFiles={(taken) => void take(taken)}
      />
      <AttentionLists lists={lists} />
      <div class="fields">
        <p>
          <label for={`${id}-text`}>Text</label>
          <input
            id={`${id}-text`}
            value={text}
            required
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </p>
        <p class="narrow">
          <label for={`${id}-heads`}>Heads</label>
          <input
            id={`${id}-heads`}
            value={heads}
            inputMode="numeric"
            pattern="[0-9]*"
            placeholder="config.json"
            onInput={({ currentTarget }) => setHeads(currentTarget.value)}
          />
        </p>
        <button type="submit" class="main" disabled={files.length === 0}>
          Run the model
        </button>
      </div>
      <p role="status">{message}</p>
    </form>
  );
}
