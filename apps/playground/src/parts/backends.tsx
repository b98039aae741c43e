import { useId, useState } from 'preact/hooks';
import type { Client } from '../engine/client.ts';
import type { BackendState } from '../engine/question.ts';

interface BackendsProps {
  readonly backends: readonly BackendState[];
  readonly value: string;
  readonly onChange: (id: string) => void;
}

/** Every backend with its device, or the reason that it cannot run here. */
export function Backends({ backends, value, onChange }: BackendsProps) {
  const name = useId();
  return (
    <fieldset class="backends">
      <legend>Backend</legend>
      {backends.map(({ id, label, status, detail, remedy }) => (
        <label key={id} data-status={status}>
          <input
            type="radio"
            name={name}
            value={id}
            checked={id === value}
            disabled={status !== 'available'}
            onChange={() => onChange(id)}
          />
          <span>
            <b>{label}</b>
            <small>{detail}</small>
            {remedy !== undefined && <small>→ {remedy}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface AddBackendProps {
  readonly client: Client;
  readonly onAdd: (added: BackendState) => void;
}

/** A backend of a third party, by the address of its module. */
export function AddBackend({ client, onAdd }: AddBackendProps) {
  const id = useId();
  const [url, setURL] = useState('');
  const [message, setMessage] = useState('');
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    setMessage('Loading…');
    const outcome = await client.engine.addFromURL(new URL(url, location.href).href);
    if (outcome.ok) onAdd(outcome.value);
    setMessage(outcome.ok ? `${outcome.value.label} is there.` : outcome.error.message);
  };
  return (
    <details class="add">
      <summary>Add a backend by its address</summary>
      <form onSubmit={add}>
        <label for={id}>Address of an ES module</label>
        <input
          id={id}
          type="url"
          required
          value={url}
          placeholder="https://…/my-backend.js"
          onInput={({ currentTarget }) => setURL(currentTarget.value)}
        />
        <button type="submit">Load and run</button>
        <p class="quiet">The code at that address runs in a worker of this page. Load only what you trust.</p>
        <p role="status">{message}</p>
      </form>
    </details>
  );
}

/** Notice that threads require an isolated page, which the service worker provides from the second visit on. */
export function Isolation() {
  if (globalThis.crossOriginIsolated) return null;
  return (
    <p class="note">
      Threads are off: this page was not served with the headers that shared memory needs. The page's own
      service worker adds them.{' '}
      <button type="button" onClick={() => location.reload()}>
        Reload with threads
      </button>
    </p>
  );
}
