/** A program that is a worker, and prints what it does. Its only argument is its options, as JSON. */
import { type WorkerOptions, startWorker } from '../worker/index.ts';

const options = JSON.parse(process.argv[2]!) as WorkerOptions;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const worker = await startWorker({ ...options, onEvent: (message) => say(`event ${message}`) });
  process.once('SIGTERM', () => void worker.stop());
  say(`joined ${worker.id}`);
  await worker.ended;
  process.exit(0);
} catch (error) {
  say(`refused ${(error as Error).message}`);
  process.exit(1);
}
