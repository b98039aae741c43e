// Has another native file loaded: HEED_SANITIZED, in place of that of the platform's package.
const Module = require('node:module');

// oxlint-disable-next-line no-underscore-dangle -- Node's own name
const resolve = Module._resolveFilename;
// oxlint-disable-next-line no-underscore-dangle -- as above
Module._resolveFilename = function (name, ...rest) {
  return name.startsWith('@heed/native-') ? process.env.HEED_SANITIZED : resolve.call(this, name, ...rest);
};
