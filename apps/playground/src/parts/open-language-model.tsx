import { proxy } from 'comlink';
import { useState } from 'preact/hooks';
import type { Client } from '../engine/client.ts';
import type { Outcome } from '../engine/question.ts';
import type { DownloadProgress, LanguageModel } from '../engine/reading.ts';
import { Drop } from './drop.tsx';

/** Place of the model that the page offers, beside it. */
const FILE = 'models/SmolLM2-135M-Instruct.Q4_1.gguf';

interface OpenLanguageModelProps {
  readonly client: Client;
  readonly onOpen: (model: LanguageModel) => void;
}

/** Fetches the page's model on a click, or takes files of the reader's own. */
export function OpenLanguageModel({ client, onOpen }: OpenLanguageModelProps) {
  const [message, setMessage] = useState('');
  const [progress, setProgress] = useState<DownloadProgress | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const open = async (what: string, work: () => Promise<Outcome<LanguageModel>>): Promise<void> => {
    setIsBusy(true);
    setMessage(what);
    const outcome = await work();
    setIsBusy(false);
    setProgress(null);
    if (outcome.ok) onOpen(outcome.value);
    else setMessage(outcome.error.message);
  };
  const fetchModel = (): Promise<void> =>
    open('Fetching the model…', async () =>
      client.engine.fetchLanguageModel(new URL(FILE, document.baseURI).href, proxy(setProgress)),
    );
  const isFetched = progress !== null && progress.loaded === progress.total;
  return (
    <div class="own">
      <section class="offer" aria-labelledby="offer">
        <div>
          <h2 id="offer">SmolLM2, 135 million weights</h2>
          <p class="quiet">
            30 layers of 9 heads, Apache-2.0, by Hugging Face. 93 MB, once: this browser keeps them, and
            nothing that you write leaves it.
          </p>
        </div>
        <button type="button" class="main" disabled={isBusy} onClick={() => void fetchModel()}>
          Fetch the model
        </button>
        {progress !== null && (
          <progress aria-label="Download" value={progress.loaded} max={progress.total ?? undefined} />
        )}
      </section>
      <p role="status">
        {isFetched ? 'Reading the model…' : message}
        {progress !== null && !isFetched && ` ${megabytes(progress)}`}
      </p>
      <Drop
        title="Or drop a model of your own"
        hint="A .gguf file, or model.safetensors, config.json and tokenizer.json together: Llama, SmolLM2, Qwen2, Qwen3, GPT-2. They stay in this browser."
        accept=".gguf,.safetensors,.json"
        onFiles={(files) =>
          void open('Reading the model…', async () => client.engine.openLanguageModel([...files]))
        }
      />
    </div>
  );
}

function megabytes({ loaded, total }: DownloadProgress): string {
  const text = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return total === null ? `${text(loaded)} MB` : `${text(loaded)} of ${text(total)} MB`;
}
