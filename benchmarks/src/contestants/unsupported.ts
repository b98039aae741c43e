import { HeedError } from '@heed/core';
import type { Workload } from '../workload/workload.ts';

/** Refuses a workload with the parts that a peer does not compute, if any. @throws HeedError `UNSUPPORTED`. */
export function refuse(
  peer: string,
  workload: Workload,
  lacks: { readonly gqa?: boolean; readonly gradient?: boolean },
): void {
  if (lacks.gradient && workload.gradient) {
    throw new HeedError('UNSUPPORTED', `${peer} does not compute gradients`, { clause: 'gradient' });
  }
  if (lacks.gqa && workload.heads !== workload.kvHeads) {
    throw new HeedError('UNSUPPORTED', `${peer} requires as many key/value heads as query heads`, {
      clause: 'gqa',
    });
  }
}
