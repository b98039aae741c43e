import { runProgram } from './program.ts';

// A reader that has seen enough (`heed verify ts | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const code = await runProgram(process.argv.slice(2));
// Backends may leave threads and timers behind. What was printed must leave first: a pipe takes its time.
process.stdout.write('', () => process.exit(code));
