import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isRequired } from '@heed/testing';
import { beforeAll, describe, expect, test } from 'vitest';

// The file that is loaded, with the names of its functions: that of the platform's package, or the workspace's own.
const file = ['platforms/linux-x64', 'build']
  .map((folder) => fileURLToPath(new URL(`../../${folder}/heed.symbols.node`, import.meta.url)))
  .find((path) => existsSync(path));
const tool = ['objdump', 'llvm-objdump'].find((name) => spawnSync(name, ['--version']).status === 0);
const isHere = process.platform === 'linux' && process.arch === 'x64' && file !== undefined;
const absent = tool === undefined ? ' (requires objdump or llvm-objdump)' : '';

/** Instructions as text by the source file that their function is from. */
type Sources = Map<string, string[]>;

const ADDRESS = /^([0-9a-f]{8,}) /;

/** Source files by the addresses of their functions: names of functions follow that of their file. */
function sourcesByAddress(): Map<number, string> {
  const sources = new Map<number, string>();
  let source = '';
  for (const line of output('--syms')) {
    const name = line.split(/\s/).at(-1)!;
    if (/ df \*ABS\*/.test(line)) source = name;
    else if (/ F \.text/.test(line)) sources.set(Number.parseInt(ADDRESS.exec(line)![1]!, 16), source);
  }
  return sources;
}

function disassemble(): Sources {
  const sources = sourcesByAddress();
  const found: Sources = new Map();
  let instructions: string[] = [];
  for (const line of output('--disassemble', '--no-show-raw-insn')) {
    const begin = ADDRESS.exec(line);
    if (begin !== null) {
      const source = sources.get(Number.parseInt(begin[1]!, 16)) ?? 'unknown';
      instructions = found.get(source) ?? [];
      found.set(source, instructions);
    } else if (/^ +[0-9a-f]+:/.test(line)) {
      instructions.push(line.replace(/^ +[0-9a-f]+:\s*/, '').replace(/\s*[#<].*/, ''));
    }
  }
  return found;
}

function output(...words: string[]): string[] {
  const { stdout } = spawnSync(tool!, [...words, file!], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout.split('\n');
}

/** Registers of AVX-512: those of 64 bytes, masks, and the upper half of the others. */
const AVX512 = /%zmm|%k[0-7]\b|%[xy]mm(?:1[6-9]|2\d|3[01])\b/;
/** Instructions that a processor without AVX2's level may lack. Names with v are vectors of AVX and above. */
const AFTER_SSE2 =
  /^(?:v[a-z]|andn[lq]?\b|bextr|bls|bzhi|mulx|pdep|pext(?:[lq]?\b|r[bdq])|rorx|sarx|shlx|shrx|lzcnt|movbe|popcnt|crc32|ptest|pshufb|pblend|pmull?d|round[ps]|insertps|extractps|dpp[sd]|h(?:add|sub)p|movddup|movs[hl]dup)/;

describe.runIf(isHere && (tool !== undefined || isRequired('native')))(
  `instructions of each level${absent}`,
  () => {
    let sources: Sources;
    beforeAll(() => {
      expect(tool, 'install binutils, or llvm').toBeDefined();
      sources = disassemble();
    });

    test('those of the levels are recognized', () => {
      expect(sources.get('avx512.cc')!.filter((one) => AVX512.test(one)).length).toBeGreaterThan(1000);
      expect(sources.get('avx2.cc')!.filter((one) => /^vfmadd.*%ymm/.test(one)).length).toBeGreaterThan(1000);
      expect(sources.get('plain.cc')!.filter((one) => one.startsWith('mulps')).length).toBeGreaterThan(100);
    });

    test('AVX-512 in its own file only', () => {
      const others = [...sources].filter(([source]) => source !== 'avx512.cc');
      expect(others.flatMap(([, instructions]) => instructions.filter((one) => AVX512.test(one)))).toEqual(
        [],
      );
    });

    test('nothing after SSE2 in the loader, the C++ library and plain kernels', () => {
      const others = [...sources].filter(([source]) => !source.startsWith('avx'));
      expect(others.length).toBeGreaterThan(5);
      const late = others.flatMap(([source, instructions]) =>
        instructions.filter((one) => AFTER_SSE2.test(one)).map((one) => `${source}: ${one}`),
      );
      expect(late).toEqual([]);
    });
  },
);
