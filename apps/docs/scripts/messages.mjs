// Every message of the published packages, taken from the sources: for the site's page of messages, and for the test of their grammar.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PUBLISHED = ['packages/*.ts', 'conformance/src/*.ts', 'apps/cli/*.ts'];
const NOT_SHIPPED = /\.test\.ts$|\/test\/|\/template\/|\/broken\//;

/**
 * A message that a package can throw. Its parts are alternatives, since a condition chooses some of them.
 *
 * @typedef {object} Message
 * @property {string} package Name, such as `@heed/core`.
 * @property {string} place Path and line of the text.
 * @property {string[]} codes Codes; empty where another error's is passed on.
 * @property {string[]} reasons Given and expected, without the remedy; empty where another error's words are passed on.
 * @property {string[]} remedies Instructions that fix it.
 * @property {boolean} hasCause The engine's own error is attached.
 */

/**
 * Values of the parameters of the functions that stand between a text and its `new HeedError`.
 *
 * @typedef {Map<string, ts.Expression | undefined>} Scope
 */

/** Returns every message of the published packages, in the order of the files. @returns {Message[]} */
export function readMessages() {
  const listed = execFileSync('git', ['ls-files', ...PUBLISHED], { cwd: ROOT, encoding: 'utf8' });
  const files = listed.split('\n').filter((file) => file !== '' && !NOT_SHIPPED.test(file));
  /** @type {Map<string, ts.SourceFile[]>} */
  const packages = new Map();
  for (const file of files) {
    const folder = /^(?:packages\/[^/]+|conformance|apps\/cli)/.exec(file)?.[0] ?? '';
    const source = ts.createSourceFile(
      file,
      readFileSync(path.join(ROOT, file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    packages.set(folder, [...(packages.get(folder) ?? []), source]);
  }
  return [...packages].flatMap(([folder, sources]) => {
    const { name } = JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'));
    return sources.flatMap((source) => [
      ...errorsIn(source).flatMap((node) => messagesOf(node, name, sources)),
      ...absencesIn(source, name),
    ]);
  });
}

/** Returns the `new HeedError(…)` below a node. @param {ts.Node} node @returns {ts.NewExpression[]} */
function errorsIn(node) {
  return nodesIn(node, ts.isNewExpression).filter((made) => made.expression.getText() === 'HeedError');
}

/** @template {ts.Node} N @param {ts.Node} node @param {(node: ts.Node) => node is N} is @returns {N[]} */
function nodesIn(node, is) {
  /** @type {N[]} */
  const found = [];
  const visit = (/** @type {ts.Node} */ inner) => {
    if (is(inner)) found.push(inner);
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return found;
}

/**
 * Returns the messages of one `new HeedError`: one, or one for each call of the function around it if that takes the text.
 *
 * @param {ts.NewExpression} node @param {string} name @param {ts.SourceFile[]} sources @returns {Message[]}
 */
function messagesOf(node, name, sources) {
  const [code, reason, details] = node.arguments ?? [];
  const messageAt = (/** @type {ts.Node} */ place, /** @type {Scope} */ scope) => ({
    package: name,
    place: placeOf(place),
    codes: textsOf(code, scope),
    reasons: withoutShortened(textsOf(reason, scope)),
    remedies: remediesOf(details, scope),
    hasCause: propertyOf(details, 'cause', scope) !== undefined,
  });
  const around = functionAround(node);
  const parameters = around?.parameters.map((parameter) => parameter.name.getText()) ?? [];
  const isText = parameters.some((parameter) =>
    /^(?:message|reason|what|remedy|found|problem)$/.test(parameter),
  );
  const calls = isText && around !== undefined ? callsOf(around, sources) : [];
  if (calls.length === 0) return [messageAt(node, new Map())];
  return calls.map((call) =>
    messageAt(call, new Map(parameters.map((parameter, at) => [parameter, call.arguments[at]]))),
  );
}

/**
 * Returns the reasons why an engine cannot run, which `probe` answers and `create` throws.
 *
 * @param {ts.SourceFile} source @param {string} name @returns {Message[]}
 */
function absencesIn(source, name) {
  return nodesIn(source, ts.isObjectLiteralExpression)
    .filter((node) => /^\{\s*available: false,/.test(node.getText()))
    .map((node) => ({
      package: name,
      place: placeOf(node),
      codes: ['UNAVAILABLE'],
      reasons: textsOf(propertyOf(node, 'reason'), new Map()),
      remedies: remediesOf(node, new Map()),
      hasCause: false,
    }));
}

/** @param {ts.Node} node */
function placeOf(node) {
  const source = node.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** @param {ts.Expression | undefined} details @param {Scope} scope @returns {string[]} */
function remediesOf(details, scope) {
  const remedy = propertyOf(details, 'remedy', scope);
  if (remedy === undefined) return [];
  return orDots(textsOf(remedy, scope));
}

/**
 * Returns the value of a property of an object, which may be a `const`, or what the caller passes.
 *
 * @param {ts.Expression | undefined} object @param {string} wanted @param {Scope} scope @returns {ts.Expression | undefined}
 */
function propertyOf(object, wanted, scope = new Map()) {
  if (object === undefined) return undefined;
  if (ts.isIdentifier(object)) return propertyOf(scope.get(object.text) ?? constantOf(object), wanted);
  if (!ts.isObjectLiteralExpression(object)) return undefined;
  for (const given of object.properties.toReversed()) {
    if (ts.isSpreadAssignment(given)) {
      const found = propertyOf(given.expression, wanted, scope);
      if (found !== undefined) return found;
    } else if (given.name?.getText() === wanted) {
      return ts.isPropertyAssignment(given) ? given.initializer : /** @type {ts.Identifier} */ (given.name);
    }
  }
  return undefined;
}

/** Leaves out what is another text cut short. @param {string[]} texts @returns {string[]} */
function withoutShortened(texts) {
  return texts.filter((text) => !text.endsWith('…') || !texts.includes(text.slice(0, -1)));
}

/** Returns the nearest function with a name. @param {ts.Node} node */
function functionAround(node) {
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) {
    if (ts.isFunctionDeclaration(outer) || ts.isMethodDeclaration(outer)) return outer;
    if (ts.isArrowFunction(outer) && ts.isVariableDeclaration(outer.parent)) return outer;
  }
  return undefined;
}

/**
 * Returns the calls of a function in its package.
 *
 * @param {ts.FunctionDeclaration | ts.MethodDeclaration | ts.ArrowFunction} called @param {ts.SourceFile[]} sources
 */
function callsOf(called, sources) {
  const named = ts.isArrowFunction(called) ? /** @type {ts.VariableDeclaration} */ (called.parent) : called;
  const name = named.name?.getText() ?? '';
  const imports = (/** @type {ts.SourceFile} */ source) =>
    nodesIn(source, ts.isImportSpecifier).some((specifier) => specifier.name.text === name);
  return sources
    .filter((source) => source === called.getSourceFile() || imports(source))
    .flatMap((source) => nodesIn(source, ts.isCallExpression))
    .filter((call) => {
      const callee = call.expression;
      return (ts.isPropertyAccessExpression(callee) ? callee.name : callee).getText() === name;
    });
}

/**
 * Returns the texts that an expression can be, with `…` or `{name}` for what is computed; none if it is another error's.
 *
 * @param {ts.Expression | undefined} node @param {Scope} scope @returns {string[]}
 */
function textsOf(node, scope, depth = 0) {
  if (node === undefined || depth > 8) return [];
  const inner = (/** @type {ts.Expression | undefined} */ part) => textsOf(part, scope, depth + 1);
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return inner(node.expression);
  if (ts.isConditionalExpression(node)) return [...inner(node.whenTrue), ...inner(node.whenFalse)];
  if (ts.isTemplateExpression(node)) {
    return node.templateSpans.reduce(
      (texts, { expression, literal }) => joined(texts, partOf(expression, inner), [literal.text]),
      [node.head.text],
    );
  }
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (kind === ts.SyntaxKind.PlusToken) return joined(orDots(inner(node.left)), orDots(inner(node.right)));
    if (kind === ts.SyntaxKind.QuestionQuestionToken) return [...inner(node.left), ...inner(node.right)];
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    if (/^(?:replaceAll|slice|trim)$/.test(name.text)) return inner(expression);
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    return returnsOf(node.expression).flatMap((returned) => textsOf(returned, new Map(), depth + 1));
  }
  if (ts.isIdentifier(node)) {
    if (scope.has(node.text)) return textsOf(scope.get(node.text), new Map(), depth + 1);
    return inner(constantOf(node));
  }
  return [];
}

/**
 * Returns what stands for one `${…}`: the texts that it can be, or its name.
 *
 * @param {ts.Expression} node @param {(node: ts.Expression) => string[]} textsIn @returns {string[]}
 */
function partOf(node, textsIn) {
  const texts = textsIn(node);
  if (texts.length > 0) return texts;
  const shown = ts.isCallExpression(node) && node.arguments.length === 1 ? node.arguments[0] : node;
  return [shown !== undefined && ts.isIdentifier(shown) ? `{${shown.text}}` : '…'];
}

/** @param {string[]} texts */
function orDots(texts) {
  return texts.length === 0 ? ['…'] : texts;
}

/** @param {...string[]} parts @returns {string[]} */
function joined(...parts) {
  return parts.reduce((texts, part) => texts.flatMap((text) => part.map((next) => text + next)), ['']);
}

/** Returns what a function of the same file can return. @param {ts.Identifier} called @returns {ts.Expression[]} */
function returnsOf(called) {
  const declared = nodesIn(called.getSourceFile(), ts.isFunctionDeclaration);
  const found = declared.find(({ name }) => name?.text === called.text);
  if (found === undefined) return [];
  return nodesIn(found, ts.isReturnStatement).flatMap(({ expression }) => expression ?? []);
}

/** Returns the value of a `const` of the same file. @param {ts.Identifier} node @returns {ts.Expression | undefined} */
function constantOf(node) {
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) {
    const statements = ts.isBlock(outer) || ts.isSourceFile(outer) ? outer.statements : [];
    for (const statement of statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find(({ name }) => name.getText() === node.text);
      if (found !== undefined) return found.initializer;
    }
  }
  return undefined;
}
