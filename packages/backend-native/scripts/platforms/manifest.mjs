import { readFileSync } from 'node:fs';
import { TARGETS } from '../build/targets.mjs';

const OS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };
const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The name of a target's package. */
export const packageName = (target) => `@heed/native-${target}`;

/**
 * A target's package.json, with the version of the one that depends on it. Inside the workspace it says nothing of the
 * platform, or each installation would warn of seven that are foreign.
 */
export function manifestOf(target) {
  const { os, cpu, libc } = TARGETS[target];
  const place = `${OS[os]} on ${cpu}${libc === 'musl' ? ' with musl' : ''}`;
  const { version, license, engines } = own;
  return {
    name: packageName(target),
    version,
    description: `Kernels of @heed/backend-native for ${place}, which installs this package by itself.`,
    license,
    files: ['heed.node'],
    main: 'heed.node',
    exports: { '.': './heed.node', './package.json': './package.json' },
    publishConfig: { access: 'public', os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) },
    scripts: { prepack: `node ../../scripts/platforms.mjs --check ${target}` },
    engines,
  };
}

/** The page that npm shows for a target's package. */
export function readmeOf(target) {
  return `# ${packageName(target)}\n\n${manifestOf(target).description} There is nothing to import here.\n`;
}
