#!/usr/bin/env node
// Gives @tensorflow/tfjs-node its native library where its own installer did not. Does nothing when the library loads.
// Otherwise makes it in a cache, once for the machine, and links it into the package: by the package's own installer,
// or, where that cannot download, from the tensorflow-cpu wheel of the Python package index.
//
//   --optional   absence is a message, not a failure, unless HEED_REQUIRE names tfjs-node or all
import { findEngine } from './provision/engine.mjs';
import { cached, linkInto } from './provision/cache.mjs';
import { Obstacle } from './provision/obstacle.mjs';
import { loadFault } from './provision/load.mjs';
import { runInstaller } from './provision/installer.mjs';
import { buildFromWheel } from './provision/wheel.mjs';

const say = (message) => process.stderr.write(`tfjs-node: ${message}\n`);

async function provision() {
  const engine = findEngine();
  if (loadFault(engine.folder) === null) return 'the native library loads, nothing to do';
  const library = await cached(`tfjs-node-${engine.version}-${process.platform}-${process.arch}`, (folder) =>
    make(engine, folder),
  );
  linkInto(engine.folder, library);
  const fault = loadFault(engine.folder);
  if (fault !== null) throw new Obstacle(`the native library was made, it does not load: ${fault}`);
  return `the native library is linked from ${library}`;
}

/** Tries each way in turn, in a folder of its own; if all fail, throws every obstacle. */
async function make(engine, folder) {
  const obstacles = [];
  for (const way of [runInstaller, buildFromWheel]) {
    try {
      return await way(engine, folder, say);
    } catch (error) {
      if (!(error instanceof Obstacle)) throw error;
      obstacles.push(error.message);
      say(error.message);
    }
  }
  throw new Obstacle('the native library could not be made; see above');
}

function isRequired() {
  const required = (process.env.HEED_REQUIRE ?? '').split(',').map((name) => name.trim());
  return required.includes('all') || required.includes('tfjs-node');
}

try {
  say(await provision());
} catch (error) {
  // A full disk or a folder that may not be written to is an obstacle too.
  if (!(error instanceof Obstacle) && error.syscall === undefined) throw error;
  say(error.message);
  if (!process.argv.includes('--optional') || isRequired()) process.exitCode = 1;
  else say('its backend is not available on this machine; everything else is');
}
