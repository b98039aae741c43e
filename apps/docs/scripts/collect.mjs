// Copies the documents of the repository, their pictures and the playground to where the site's generator reads them. A document stands
// where its readers look for it; the generator compiles pages and needs them inside of its own package.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messagesPage } from './messages-page.mjs';
import { readMessages } from './messages.mjs';

const root = path.resolve(import.meta.dirname, '../../..');
const collected = path.resolve(import.meta.dirname, '../site/collected');

/** Documents that the site does not show. */
const NOT_SHOWN =
  /^(README|AGENTS)\.md$|^\.|^apps\/(docs\/site|mutation|outside|playground)\/|^apps\/cli\/REPORT|^conformance\/cases\/|\/template\/|THIRD-PARTY|CHANGELOG/;

rmSync(collected, { recursive: true, force: true });
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md', '*.svg'],
  {
    cwd: root,
    encoding: 'utf8',
  },
).split('\n');
for (const file of files.filter((name) => name !== '' && !NOT_SHOWN.test(name))) {
  mkdirSync(path.dirname(path.join(collected, file)), { recursive: true });
  cpSync(path.join(root, file), path.join(collected, file));
}

writeFileSync(path.join(collected, 'messages.md'), messagesPage(readMessages()));

// The playground is a part of the site, as it was built.
const playground = path.resolve(import.meta.dirname, '../site/public/playground');
rmSync(playground, { recursive: true, force: true });
cpSync(path.join(root, 'apps/playground/dist'), playground, { recursive: true });
