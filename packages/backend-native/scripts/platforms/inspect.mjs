import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TARGETS } from '../build/targets.mjs';
import { readElf } from './elf.mjs';
import { readMachO } from './mach-o.mjs';
import { readPe } from './pe.mjs';

const READERS = { linux: readElf, darwin: readMachO, win32: readPe };

/** Symbols that Node looks up in a file. */
const ENTRY = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** Symbols that zig's linker for macOS adds or does not hide: C++'s operators new and delete, which are weak there. */
const ADDED = /^(?:_mh_dylib_header|__dso_handle|_Z(?:na|nw|da|dl)\w+)$/;

/** Node-API's functions up to the version that the sources ask for, which every Node from 20 on has. */
const { symbols } = createRequire(import.meta.url)('node-api-headers');
const nodeApi = new Set([...symbols.v8.js_native_api_symbols, ...symbols.v8.node_api_symbols]);

/** Libraries that every system has. */
const LIBRARIES = {
  glibc: /^(?:lib(?:c|m|dl|pthread|rt)\.so\.\d|ld-linux-(?:x86-64|aarch64)\.so\.\d)$/,
  musl: /^libc\.(?:so|musl-\w+\.so\.1)$/,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
  win32: /^(?:node\.exe|kernel32\.dll|ntdll\.dll|api-ms-win-crt-[\w-]+\.dll)$/i,
};
/** A name of C's library; those of C++ begin with _Z. musl's have no versions that would say more. */
const C_NAME = /^[a-z_][a-z0-9_]*$/;

const GLIBC = [2, 28];

/**
 * Reads a native file and finds what is wrong with it.
 *
 * @returns its faults, in words; none for a file that may be published.
 */
export function faultsOf(file, target) {
  const { os, cpu, libc } = TARGETS[target];
  const found = READERS[os](readFileSync(file));
  const exports = found.exports.filter((name) => os !== 'darwin' || !ADDED.test(name)).toSorted();
  const foreign = found.libraries.filter((name) => !LIBRARIES[libc ?? os].test(name));
  const unknown = found.imports.filter((symbol) => !isExpected(symbol, os));
  const late = found.imports.filter(({ version }) => version && isAfter(version));
  return [
    found.architecture !== cpu && `it is for ${found.architecture}`,
    exports.join() !== ENTRY.join() && `it exports ${exports.join(', ')}`,
    foreign.length > 0 && `it needs ${foreign.join(', ')}`,
    unknown.length > 0 && `it refers to ${unknown.map(({ name }) => name).join(', ')}`,
    late.length > 0 && `it needs ${late.map(({ name, version }) => `${name} of ${version}`).join(', ')}`,
    os === 'darwin' && !found.isSigned && cpu === 'arm64' && 'it is not signed, which macOS on arm64 refuses',
  ].filter(Boolean);
}

function isExpected({ name, version, library }, os) {
  if (/^(?:napi|node_api)_/.test(name)) {
    return nodeApi.has(name) && (library === undefined || /^node\.exe$/i.test(library));
  }
  if (version !== undefined) return version.startsWith('GLIBC_');
  return os === 'linux' ? C_NAME.test(name) : library !== undefined;
}

function isAfter(version) {
  const [major, minor] = version.replace('GLIBC_', '').split('.').map(Number);
  return major > GLIBC[0] || (major === GLIBC[0] && minor > GLIBC[1]);
}
