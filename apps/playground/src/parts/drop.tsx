import { useState } from 'preact/hooks';

interface DropProps {
  readonly title: string;
  readonly hint: string;
  /** Endings of the files, as an `accept` attribute. */
  readonly accept: string;
  /** Names of the chosen files. */
  readonly names?: readonly string[];
  readonly onFiles: (files: readonly File[]) => void;
}

/** A place to drop files on, or to choose them by a click or the keyboard. */
export function Drop({ title, hint, accept, names = [], onFiles }: DropProps) {
  const [isOver, setIsOver] = useState(false);
  return (
    <label
      class="drop"
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        onFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <b>{title}</b>
      <span>{hint}</span>
      <input
        type="file"
        multiple
        accept={accept}
        onChange={({ currentTarget }) => onFiles([...(currentTarget.files ?? [])])}
      />
      {names.length > 0 && <span class="files">{names.join(', ')}</span>}
    </label>
  );
}
