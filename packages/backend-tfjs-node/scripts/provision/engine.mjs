import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Obstacle } from './obstacle.mjs';

const require = createRequire(import.meta.url);

/** Returns the folder and the version of the installed @tensorflow/tfjs-node. */
export function findEngine() {
  const manifest = engineManifest();
  return {
    folder: dirname(realpathSync(manifest)),
    version: JSON.parse(readFileSync(manifest, 'utf8')).version,
  };
}

function engineManifest() {
  try {
    return require.resolve('@tensorflow/tfjs-node/package.json');
  } catch {
    throw new Obstacle(
      '@tensorflow/tfjs-node is not installed: npm install --ignore-scripts @tensorflow/tfjs-node, then this command again',
    );
  }
}

/** The C headers of Node's stable interface for add-ons. */
export function nodeHeaders() {
  return join(dirname(require.resolve('node-api-headers/package.json')), 'include');
}
