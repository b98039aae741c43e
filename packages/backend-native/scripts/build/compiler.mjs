import { spawnSync } from 'node:child_process';

const ZIG = [
  ['zig', 'c++'],
  ['python3', '-m', 'ziglang', 'c++'],
];
/** On Windows others would need the library of Node's own functions. */
const CANDIDATES = process.platform === 'win32' ? ZIG.slice(0, 1) : [['g++'], ['clang++'], ...ZIG];

/** Returns the first C++ compiler that answers, or `null` if none does. */
export function findCompiler() {
  const own = process.env.CXX?.split(' ').filter(Boolean);
  for (const words of own?.length ? [own] : CANDIDATES) {
    const compiler = compilerOf(words);
    if (compiler !== null) return compiler;
  }
  return null;
}

/** A compiler: its command as words, its first line of version, and its family, by which flags differ. */
function compilerOf(words) {
  const { status, stdout } = spawnSync(words[0], [...words.slice(1), '--version'], { encoding: 'utf8' });
  if (status !== 0) return null;
  const version = stdout.split('\n')[0];
  const isZig = words.some((word) => /(?:^|\/)(?:zig|ziglang)$/.test(word));
  return { words, version, family: isZig ? 'zig' : /clang/.test(version) ? 'clang' : 'gcc' };
}
