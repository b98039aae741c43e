import type { Machine } from '../machine.ts';
import { startProcess } from '../process/contestant-process.ts';
import type { PeakEntered } from '../process/protocol.ts';
import { median } from './statistics.ts';

/** A process that measures the peak of one core on request. */
export interface Peak {
  readonly device: string;
  /** The machine, and the Node that all contestants run on. */
  readonly machine: Machine;
  /** Measures the floating-point operations per nanosecond. */
  measure(): Promise<number>;
  end(): Promise<void>;
}

const TURN_MS = 20;
const LIMIT_MS = 30_000;

export async function startPeak(signal?: AbortSignal): Promise<Peak> {
  const running = startProcess(1);
  try {
    const entered = (await running.ask({ kind: 'enter peak' }, LIMIT_MS, signal)) as
      | PeakEntered
      | { reason: string };
    if ('reason' in entered)
      throw new Error(`the peak of this machine cannot be measured: ${entered.reason}`);
    const { device, machine, flopsPerRun } = entered;
    return {
      device,
      machine,
      async measure() {
        const reply = await running.ask({ kind: 'turn', milliseconds: TURN_MS }, LIMIT_MS, signal);
        if (reply.status !== 'turn taken') throw new Error(`the peak could not be measured: ${reply.status}`);
        return flopsPerRun / median(reply.samplesMs) / 1e6;
      },
      end: () => running.end(),
    };
  } catch (error) {
    await running.end();
    throw error;
  }
}
