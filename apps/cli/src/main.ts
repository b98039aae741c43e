import { runProgram } from './program.ts';

process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`heed verify ts | head`) is no error.
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `error: the result cannot be written to standard output: ${message}\n` +
      '  → send it to a place that can be written to, with room left\n',
  );
  process.exit(1);
});
// With --json, whatever else writes to standard output is sent to standard error from here on.
const write = process.stdout.write.bind(process.stdout);

const code = await runProgram(process.argv.slice(2));
// Backends may leave threads and timers behind. What was printed must leave first: a pipe takes its time, and that
// something could not be written is said after the callback.
write('', () => setImmediate(() => process.exit(code)));
