import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ContestantSource } from '@heed/benchmarks';
import { onTestFinished } from 'vitest';

const CORE = import.meta.resolve('@heed/core');
const TRIPLE_LOOP = new URL('../../dist/contestants/triple-loop.js', import.meta.url).href;

export type ModuleName =
  | 'right'
  | 'throwsAtImport'
  | 'wrong'
  | 'hangsInRun'
  | 'spinsInRun'
  | 'exitsInRun'
  | 'crashesInRun'
  | 'failsLater'
  | 'failsOnceWithoutAnswer'
  | 'talks'
  | 'slow'
  | 'stores';

/** Contestants that a careless or hostile author could have written, by what is wrong with them. */
const MODULES: Readonly<Record<ModuleName, string>> = {
  right: ``,
  throwsAtImport: `throw new Error('no such engine');`,
  wrong: variant(`results: async () => ({ output: { ...output, data: output.data.map((x) => x + 1) } })`),
  hangsInRun: variant(`run: () => new Promise(() => {})`),
  spinsInRun: variant(`async run() { for (;;); }`),
  exitsInRun: variant(`async run() { process.exit(7); }`),
  crashesInRun: variant(`async run() { process.kill(process.pid, 'SIGSEGV'); }`),
  /** Fails after its first run and the warm-up runs. */
  failsLater: variant(`async run() { if (++runs > 5) throw new TypeError('tired'); await prepared.run(); }`),
  /** Throws an error of its own that begins like that of one that hung. */
  failsOnceWithoutAnswer: `import { HeedError } from '${CORE}';
    const prepare = (of, request, settings) => {
      if (of.heads === 2) throw new HeedError('ENGINE', 'no answer from the device, try again');
      return base.prepare(of, request, settings);
    };
    contestant = { ...base, prepare };`,
  talks: `console.log('hello'); console.error('world');`,
  /** A run takes 40 ms. */
  slow: variant(
    `async run() { await prepared.run(); const end = Date.now() + 40; while (Date.now() < end); }`,
  ),
  /** Remembers every score. */
  stores: variant(`async run() {
    await prepared.run();
    kept = new Float32Array(of.heads * of.queryLength * of.keyLength).fill(1);
  }`),
};

function variant(members: string): string {
  return `let runs = 0, kept;
    const prepare = async (of, request, settings) => {
      const prepared = await base.prepare(of, request, settings);
      await prepared.run();
      const { output } = await prepared.results();
      return { ...prepared, ${members} };
    };
    contestant = { ...base, prepare };`;
}

/** The triple loop as a contestant, except for what its name says. */
export function contestantModule(name: ModuleName): ContestantSource {
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import base from '${TRIPLE_LOOP}';\nlet contestant = base;\n${MODULES[name]}\nexport default contestant;\n`,
  );
  return { name, module: pathToFileURL(file).href };
}
