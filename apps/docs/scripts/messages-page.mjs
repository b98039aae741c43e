/**
 * Returns the site's page of every message: a part for each code, a row for each text.
 *
 * @param {import('./messages.mjs').Message[]} messages @returns {string}
 */
export function messagesPage(messages) {
  /** @type {Map<string, Set<string>>} */
  const rows = new Map();
  for (const message of messages) {
    for (const code of message.codes) {
      const ofCode = rows.get(code) ?? new Set();
      rows.set(code, ofCode);
      const remedies = message.remedies.map(shown).join('<br>');
      for (const reason of message.reasons) {
        ofCode.add(`| ${shown(reason)} | ${remedies} | ${message.package.replace('@heed/', '')} |`);
      }
    }
  }
  const parts = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, ofCode]) =>
        `## ${code}\n\n| given; expected | remedy | package |\n| --- | --- | --- |\n${[...ofCode].join('\n')}\n`,
    );
  return `# Messages

Every message of core, the backends, layers, models, heatmap, the suite and the \`heed\` command, taken from the sources. \`{name}\` and … stand for what a call fills in. [Errors](/errors.html)
explains the codes.

${parts.join('\n')}`;
}

/** Returns a text as a cell of a table, in which nothing is markup. @param {string} text */
function shown(text) {
  const escaped = text.replaceAll(/[&<>{}|\\`*_[\]~]/g, (sign) => `&#${sign.codePointAt(0)};`);
  return escaped.replaceAll('\n', ' ');
}
