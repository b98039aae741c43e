/**
 * Platforms that a package is published for: as npm names them, and as zig does. glibc 2.28 is that of 2018. With `symbols`
 * the file is linked once more, for tools: with the names of functions and of the files that they are from.
 */
export const TARGETS = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc', zig: 'x86_64-linux-gnu.2.28', symbols: true },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc', zig: 'aarch64-linux-gnu.2.28' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl', zig: 'x86_64-linux-musl' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl', zig: 'aarch64-linux-musl' },
  'darwin-x64': { os: 'darwin', cpu: 'x64', zig: 'x86_64-macos.11.0' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64', zig: 'aarch64-macos.11.0' },
  'win32-x64': { os: 'win32', cpu: 'x64', zig: 'x86_64-windows-gnu' },
  'win32-arm64': { os: 'win32', cpu: 'arm64', zig: 'aarch64-windows-gnu' },
};

/** Target of a build for this machine. */
export const HERE = { os: process.platform, cpu: process.arch, symbols: process.platform === 'linux' };
