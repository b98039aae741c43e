import { diagnoseAll } from '../backends/diagnose-all.ts';
import type { Console } from '../output/console.ts';
import { type Progress, startProgress } from '../output/progress.ts';
import {
  aboutExamples,
  aboutSpeed,
  heading,
  renderAgreement,
  renderExamples,
  renderSpeed,
} from '../output/render-demo.ts';
import { renderDiagnoses, renderMachine } from '../output/render-doctor.ts';
import { type Demo, runDemo } from './run-demo.ts';

const PROBE_SECONDS = 10;

/** Runs the demo and prints each part as soon as it is known. */
export async function narrate(lengths: readonly number[], console: Console): Promise<Demo> {
  let progress: Progress | undefined;
  const tell = (title: string, about: string, body: string): void => {
    progress?.stop();
    progress = undefined;
    console.print(heading(title, about, console));
    console.print(body);
  };
  try {
    return await runDemo(() => diagnoseAll([], PROBE_SECONDS), lengths, {
      say(text) {
        progress ??= startProgress(text);
        progress.update(text);
      },
      backends: (all) =>
        tell('Backends', 'What is installed, and what it runs on.', renderDiagnoses(all, console)),
      agreement: (all) =>
        tell(
          'Agreement',
          'With the float64 reference, on a real model: MiniLM, 6 layers × 12 heads, two sentences.',
          renderAgreement(all, console),
        ),
      examples: (all, by) => tell('What attention sees', aboutExamples(by), renderExamples(all, console)),
      speed(speed, machine) {
        tell('Speed', aboutSpeed(speed), renderSpeed(speed, console));
        console.print(renderMachine(machine, console));
      },
    });
  } finally {
    progress?.stop();
  }
}
