import type { HeedErrorJSON } from '@heed/core';

/** An error and its remedy. */
export function Problem({ error }: { readonly error: HeedErrorJSON | null }) {
  if (error === null) return null;
  return (
    <p class="problem" role="alert">
      {error.message}
    </p>
  );
}
