import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Demo } from '../demo/run-demo.ts';
import { folderOf, heed, heedJSON } from '../test/heed.ts';

describe('heed demo --json', () => {
  let demo: Demo & { readonly report: string };
  let code: number | null;

  beforeAll(() => {
    ({ code, value: demo } = heedJSON<typeof demo>(['demo', '--lengths', '64,16']));
    return () => rmSync(path.dirname(demo.report), { recursive: true });
  });

  test('ends well, with every available backend in agreement', () => {
    expect(code).toBe(0);
    expect(demo.agreement.map(({ backend }) => backend)).toContain('ts');
    for (const { agrees, worst, layers, failures } of demo.agreement) {
      expect(agrees).toBe(true);
      expect(worst!.error).toBeLessThan(worst!.bound);
      expect(layers.map(({ layer }) => layer)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(failures).toEqual([]);
    }
  });

  test('bank looks at river, and at loan', () => {
    const [river, loan] = demo.examples;
    expect(river).toMatchObject({ text: 'The bank of the river was muddy.', from: 'bank', to: 'river' });
    expect(river!.weight).toBeCloseTo(0.523, 3);
    expect(loan).toMatchObject({ text: 'The bank approved the loan.', from: 'bank', to: 'loan' });
    expect(loan!.weight).toBeCloseTo(0.294, 3);
    for (const { weights, tokens } of demo.examples) {
      for (const row of weights) {
        expect(row).toHaveLength(tokens.length);
        expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
      }
    }
  });

  test('each length is timed for the triple loop and for each backend', () => {
    const { rows, baseline } = demo.speed;
    expect([...new Set(rows.map(({ length }) => length))]).toEqual([16, 64]);
    for (const { status, medianMs } of rows) {
      expect(status).toBe('measured');
      expect(medianMs).toBeGreaterThan(0);
    }
    expect(rows.filter(({ contestant }) => contestant === baseline).map(({ ratio }) => ratio)).toEqual([
      1, 1,
    ]);
    expect(rows.filter(({ contestant }) => contestant === 'ts')).toHaveLength(2);
  });

  test('the report is one file that asks for nothing and runs nothing', () => {
    const page = readFileSync(demo.report, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page.replaceAll(/xmlns(:xlink)?="http:\/\/www\.w3\.org\/[\w/]+"/g, '')).not.toMatch(
      /https?:|url\((?!#)/,
    );
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed)\b|@import|\son\w+=/i);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('prefers-color-scheme');
    expect(page).toContain('width=device-width');
    expect(page).toContain('0.523');
  });

  test('no two elements of the report have one id', () => {
    const page = readFileSync(demo.report, 'utf8');
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('heed demo in a pipe tells everything in plain characters, the path of the report last', () => {
  const cwd = folderOf({});
  const file = path.join(cwd, 'out.html');
  const { code, stdout, stderr } = heed(['demo', '--lengths', '16', '--out', 'out.html'], { cwd });
  // Dawn says by itself that a machine has no Vulkan driver.
  const complaints = stderr.replaceAll(/^Warning: vkCreateInstance.*\n(\s+at .*\n)?\n?/gm, '');
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  expect(readFileSync(file, 'utf8')).toContain('</html>');
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(stdout).toMatch(/✓ ts +\S/);
  expect(stdout).toMatch(/✓ ts +largest error \d\.\de-\d+, \d+% of its bound/);
  expect(stdout).toContain('▸  bank  .067  .034  .008  .042  .031 [.523] .022  .245░ .007  .021');
  expect(stdout).toContain('bank → river 0.523, no other token gets more');
  expect(stdout).toContain('bank → loan 0.294, no other token gets more');
  expect(stdout).toMatch(/N = 16 +triple loop +\S+ [mµ]s +\S+ 1×/);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)!.trim()).toBe(file);
  expect(lines.slice(0, -1).filter((line) => line.length > 120)).toEqual([]);
});

test('Ctrl-C leaves no empty report behind, nor spoils one that was there', async () => {
  const cwd = folderOf({ 'old.html': 'old' });
  const main = path.resolve(import.meta.dirname, '../../bin/heed.js');
  for (const file of ['new.html', 'old.html']) {
    const child = spawn(process.execPath, [main, 'demo', '--out', file], { cwd });
    child.stdout.once('data', () => child.kill('SIGINT'));
    await once(child, 'close');
  }
  expect(readdirSync(cwd)).toEqual(['old.html']);
  expect(readFileSync(path.join(cwd, 'old.html'), 'utf8')).toBe('old');
});

test('a report that cannot be written is wrong usage', () => {
  const { code, value } = heedJSON(['demo', '--out', path.join('no', 'such', 'folder', 'report.html')]);
  expect(code).toBe(2);
  expect(value).toMatchObject({ code: 'ARGUMENT', remedy: expect.stringContaining('--out') });
});
