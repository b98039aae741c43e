import { runProgram } from './program.ts';

process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  // A reader that stops early (`heed verify ts | head`) is not an error.
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `error: the result cannot be written to standard output: ${message}\n` +
      '  → send it to a place that can be written to, with room left\n',
  );
  process.exit(1);
});
// From here on, --json redirects everything else that writes to standard output to standard error.
const write = process.stdout.write.bind(process.stdout);

const code = await runProgram(process.argv.slice(2));
// Backends may leave threads and timers behind. Output must be flushed first: a pipe takes time, and a
// failed write is reported after the callback.
write('', () => setImmediate(() => process.exit(code)));
