import { useId, useState } from 'preact/hooks';
import type { Client } from '../engine/client.ts';
import type { BackendState } from '../engine/question.ts';

interface BackendsProps {
  readonly backends: readonly BackendState[];
  readonly value: string | null;
  readonly onChange: (id: string) => void;
}

/** Every backend with its device; those that cannot run here, with the reason and the remedy, are folded away. */
export function Backends({ backends, value, onChange }: BackendsProps) {
  const name = useId();
  const row = ({ id, label, status, detail, remedy }: BackendState) => (
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
  );
  const absent = backends.filter(({ status }) => status === 'unavailable');
  return (
    <fieldset class="backends">
      <legend>Backend</legend>
      {backends.filter(({ status }) => status !== 'unavailable').map(row)}
      {absent.length > 0 && (
        <details>
          <summary>{absent.length} not available here</summary>
          {absent.map(row)}
        </details>
      )}
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

/** Offers threads, which require an isolated page: the service worker provides that from the second visit on. */
export function Isolation() {
  if (globalThis.crossOriginIsolated) return null;
  return (
    <p class="note">
      This visit computes on one thread.{' '}
      <button type="button" onClick={() => location.reload()}>
        Reload with threads
      </button>
    </p>
  );
}
