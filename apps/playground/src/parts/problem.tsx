import type { HeedErrorJSON } from '@heed/core';

/** What went wrong, and what to do about it. */
export function Problem({ error }: { readonly error: HeedErrorJSON | null }) {
  if (error === null) return null;
  return (
    <p class="problem" role="alert">
      {error.message}
    </p>
  );
}
