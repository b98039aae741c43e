import { HeedError } from '@heed/core';
import { checkOptions, integer, required, shown } from '@heed/core/backend';
import { count, notNegative, positive } from '../options.ts';

/** The learning rate of each step, counted from 0: a finite number ≥ 0. */
export type Schedule = (step: number) => number;

/** Options of {@link cosineSchedule} and {@link linearSchedule}. */
export interface ScheduleOptions {
  /** Highest rate, reached at the end of the warmup. */
  readonly learningRate: number;
  /** Number of steps; later ones have the final rate. */
  readonly steps: number;
  /** Number of steps in which the rate rises linearly from 0. Default 0. */
  readonly warmup?: number | undefined;
  /** The rate at the end. Default 0. */
  readonly finalRate?: number | undefined;
}

/**
 * Rises evenly for `warmup` steps and then falls along half a cosine (Loshchilov and Hutter, "SGDR", 2017, equation 5), as
 * `get_cosine_schedule_with_warmup` of transformers.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { AdamW, cosineSchedule } from '@heed/layers';
 *
 * const learningRate = cosineSchedule({ learningRate: 1, warmup: 2, steps: 6 });
 * console.log([0, 1, 2, 4, 6].map((step) => learningRate(step).toFixed(2)).join(' ')); // 0.00 0.50 1.00 0.50 0.00
 * const optimizer = new AdamW({ learningRate });
 * ```
 */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  return scheduleOf('cosineSchedule()', options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

/**
 * Rises evenly for `warmup` steps and then falls evenly, as `get_linear_schedule_with_warmup` of transformers.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 */
export function linearSchedule(options: ScheduleOptions): Schedule {
  return scheduleOf('linearSchedule()', options, (progress) => 1 - progress);
}

function scheduleOf(owner: string, options: ScheduleOptions, share: (progress: number) => number): Schedule {
  checkOptions(owner, options, {
    learningRate: required(positive),
    steps: required(count),
    warmup: integer(0),
    finalRate: notNegative,
  });
  const { learningRate, steps, warmup = 0, finalRate = 0 } = options;
  if (warmup >= steps) {
    throw new HeedError('ARGUMENT', `${owner}: warmup is ${warmup}; expected fewer than steps=${steps}`, {
      remedy: 'set warmup to a part of steps',
    });
  }
  return (step) => {
    if (!notNegative.accepts(step)) {
      throw new HeedError(
        'ARGUMENT',
        `${owner}: the step is ${shown(step)}; expected ${notNegative.expected}`,
        {
          remedy: 'give the number of steps taken so far',
        },
      );
    }
    if (step < warmup) return (learningRate * step) / warmup;
    const progress = Math.min(1, (step - warmup) / (steps - warmup));
    return finalRate + (learningRate - finalRate) * share(progress);
  };
}
