import { spawnSync } from 'node:child_process';

const CANDIDATES = [['g++'], ['clang++'], ['zig', 'c++'], ['python3', '-m', 'ziglang', 'c++']];

/** The first C++ compiler that answers: its command as words and its first line of version. Null where none does. */
export function findCompiler() {
  const own = process.env.CXX?.split(' ').filter(Boolean);
  for (const words of own?.length ? [own] : CANDIDATES) {
    const { status, stdout } = spawnSync(words[0], [...words.slice(1), '--version'], { encoding: 'utf8' });
    if (status === 0) return { words, version: stdout.split('\n')[0] };
  }
  return null;
}
