'use strict';
// A name for the state of the C++ sources, which is compiled into the native file. In a checkout, src/platform/load.ts requires this
// module to compare; it is not packed.
const { createHash } = require('node:crypto');
const { readFileSync, readdirSync } = require('node:fs');
const { join, relative } = require('node:path');

/** Folder of the C++ sources. */
const SOURCES = join(__dirname, '../../native');

/** Returns the files in a folder, in the order of their names. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Adds names and contents of the files in a folder to a hash. */
function addFolder(hash, folder) {
  for (const path of filesIn(folder)) hash.update(relative(folder, path)).update(readFileSync(path));
  return hash;
}

/** Returns the fingerprint of the C++ sources. */
const sourcesFingerprint = () => addFolder(createHash('sha256'), SOURCES).digest('hex').slice(0, 16);

module.exports = { SOURCES, addFolder, filesIn, sourcesFingerprint };
