import path from 'node:path';
import { createBackend } from './create.ts';
import { backendName } from './name.ts';

const USAGE = `npm create heed-backend NAME

Makes a folder heed-backend-NAME with an attention backend that computes plain softmax attention and passes the
conformance suite. NAME is in lower case: letters, digits and hyphens; @scope/NAME gives a scoped package.
`;

const [text, ...others] = process.argv.slice(2);
if (text === '--help' || text === '-h') process.stdout.write(USAGE);
else process.exitCode = create(others.length === 0 ? text : undefined);

function create(argument: string | undefined): 0 | 1 | 2 {
  const names = argument === undefined ? null : backendName(argument);
  if (names === null) {
    process.stderr.write(argument === undefined ? USAGE : `error: ${argument} is not a NAME\n\n${USAGE}`);
    return 2;
  }
  try {
    createBackend(path.resolve(names.folder), names);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return 1;
  }
  process.stdout.write(`${names.folder} is ready. Next:

  cd ${names.folder}
  npm install
  npm test           the conformance suite
  npm run verify     the same as a table, clause by clause

README.md says what to write and what to declare next.
`);
  return 0;
}
