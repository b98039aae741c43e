import { HeedError, type HeedErrorCode, resolveRequest } from '@heed/core';
import { describe, expect, test } from 'vitest';
import type { AgreementCase } from '../case.ts';
import { parseCases } from './parse-cases.ts';
import { type Json, soundFile } from '../test/mutated-file.ts';

/** The sound file with one value of its text replaced: the first that stands after `before`. */
function withValue(before: string, from: string, to: string): string {
  const text = JSON.stringify(soundFile());
  const start = text.indexOf(before);
  const at = text.indexOf(from, start);
  if (start === -1 || at === -1) throw new Error(`the sound file has no ${from} after ${before}`);
  return text.slice(0, at) + to + text.slice(at + from.length);
}

/** The sound file with an empty list for an object of its first case. */
function withEmptyListAs(name: string): Json {
  const file = soundFile() as { cases: [Record<string, Json>] };
  file.cases[0][name] = [];
  return file as unknown as Json;
}

const floats = (shape: readonly number[]): Json => ({
  dtype: 'float32',
  shape,
  data: Buffer.alloc(4 * shape.reduce((a, b) => a * b, 1)).toString('base64'),
});

function onnxTest(inputs: readonly Json[]): string {
  const form = { op: 'Attention', name: 'a', opset: 24, attributes: {}, outputs: [floats([1, 1, 1, 1])] };
  return JSON.stringify({ ...form, inputs });
}

function refusal(work: () => unknown): HeedError {
  try {
    work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

test('the sound file is read', () => {
  const { cases, notCovered } = parseCases(JSON.stringify(soundFile()), 'sound.json');
  expect(cases.map(({ kind, id, clause }) => [kind, id, clause])).toEqual([
    ['agreement', 'one-key', 'mask'],
    ['sequence', 'cache', 'lengths'],
  ]);
  expect(notCovered).toEqual([]);
});

test('null stands for what is not given, in options and inputs', () => {
  const file = soundFile() as { cases: [{ options: Record<string, Json>; inputs: Record<string, Json> }] };
  const [{ options, inputs }] = file.cases;
  const names = ['layout', 'scale', 'softcap', 'causal', 'window', 'alignment', 'selection'];
  for (const name of names) options[name] = null;
  const others = [
    'bias',
    'offsets',
    'queryLengths',
    'querySegments',
    'keySegments',
    'alibiSlopes',
    'sinks',
    'seed',
  ];
  for (const name of [...others, 'mask', 'keyLengths']) inputs[name] = null;
  const { cases } = parseCases(JSON.stringify(file), 'x.json');
  const request = (cases[0] as AgreementCase).request();
  const given = Object.entries(request).filter(([, value]) => value !== undefined && value !== null);
  expect(given.map(([name]) => name).sort()).toEqual(['gradient', 'key', 'logSumExp', 'query', 'value']);
  expect(resolveRequest(request).problem).toMatchObject({
    scale: 1,
    alignment: null,
    causal: false,
    mask: null,
  });
});

test('a case says what it is there to find, or whose numbers come out', () => {
  const file = soundFile() as { cases: [{ purpose?: Json }] };
  file.cases[0].purpose = 'One key alone has weight 1.';
  const { cases } = parseCases(JSON.stringify(file), 'x.json');
  expect(cases.map(({ purpose }) => purpose)).toEqual([
    'One key alone has weight 1.',
    'The expected values come out (by hand).',
  ]);
});

const deep = '['.repeat(2_000_000);

describe('a hostile file is refused, with its name and the place', () => {
  test.each<[what: string, text: string, code: HeedErrorCode, message: string]>([
    ['nothing', '', 'ARGUMENT', 'x.json: is not JSON'],
    ['not JSON', '{"format": NaN}', 'ARGUMENT', 'x.json: is not JSON'],
    ['half a file', JSON.stringify(soundFile()).slice(0, 500), 'ARGUMENT', 'x.json: is not JSON'],
    ['binary', '\u0000\u001b[2J\u0007', 'ARGUMENT', 'x.json: is not JSON'],
    ['endless nesting', deep, 'ARGUMENT', 'x.json: is not JSON'],
    ['deep nesting', `${deep}${']'.repeat(2_000_000)}`, 'ARGUMENT', 'x.json: [0].name: is missing'],
    ['a number', '5', 'ARGUMENT', 'x.json: Invalid type'],
    ['null', 'null', 'ARGUMENT', 'x.json: Invalid type'],
    ['an empty list', '[]', 'ARGUMENT', 'x.json: format: is missing'],
    ['an empty object', '{}', 'ARGUMENT', 'x.json: format: is missing'],
    [
      'a list for an object',
      JSON.stringify(withEmptyListAs('options')),
      'ARGUMENT',
      'x.json: cases[0].options: is an array; expected an object',
    ],
    ['another format', '{"format":"heed-cases/2"}', 'ARGUMENT', 'x.json: format: '],
    [
      'an unknown field',
      withValue('', '"source"', '"author":1,"source"'),
      'ARGUMENT',
      'x.json: author: is not known',
    ],
    [
      '__proto__',
      withValue('"inputs"', '"query"', '"__proto__":{"dtype":"bool"},"query"'),
      'ARGUMENT',
      'x.json: cases[0].inputs.__proto__: is not known',
    ],
    [
      '__proto__ at the top',
      withValue('', '"format"', '"__proto__":{"op":"Attention"},"format"'),
      'ARGUMENT',
      'x.json: __proto__: is not known',
    ],
    [
      'constructor',
      withValue('"options"', '"layout"', '"constructor":1,"layout"'),
      'ARGUMENT',
      '.options.constructor: ',
    ],
    [
      'no input',
      withValue('"inputs"', '"key":', '"kee":'),
      'ARGUMENT',
      'x.json: cases[0].inputs.key: is missing',
    ],
    [
      'nothing expected',
      withValue('"one-key"', '"expected"', '"expcted"'),
      'ARGUMENT',
      'cases[0].expected: is missing',
    ],
    [
      'an unknown dtype',
      withValue('"inputs"', 'float32', 'float8'),
      'DTYPE',
      'cases[0].inputs.query.dtype: ',
    ],
    ['a bool query', withValue('"inputs"', 'float32', 'bool'), 'DTYPE', 'x.json: cases[0]: query is bool'],
    [
      'a shape of text',
      withValue('"inputs"', '[1,1,1,1]', '["1",1,1,1]'),
      'SHAPE',
      '.inputs.query.shape[0]: ',
    ],
    [
      'a shape of null',
      withValue('"inputs"', '[1,1,1,1]', '[null,1,1,1]'),
      'SHAPE',
      '.inputs.query.shape[0]: ',
    ],
    [
      'a negative length',
      withValue('"inputs"', '[1,1,1,1]', '[1,-1,1,1]'),
      'SHAPE',
      '.inputs.query.shape[1]: ',
    ],
    ['a fraction', withValue('"inputs"', '[1,1,1,1]', '[1,1,0.5,1]'), 'SHAPE', '.inputs.query.shape[2]: '],
    [
      'a huge length',
      withValue('"inputs"', '[1,1,1,1]', '[1,1,1,1e300]'),
      'SHAPE',
      '.inputs.query.shape[3]: ',
    ],
    ['too many axes', withValue('"inputs"', '[1,1,1,1]', '[1,1,1,1,1]'), 'SHAPE', '.inputs.query.shape: '],
    [
      'a product over 2^53',
      withValue('"inputs"', '[1,1,1,1]', '[1000000000,1000000000,1,1]'),
      'SHAPE',
      '.inputs.query.shape: is [1000000000, 1000000000, 1, 1]; expected at most',
    ],
    [
      'a product that is NaN in floating point, were it not',
      withValue('"inputs"', '[1,1,1,1]', '[9007199254740991,9007199254740991,9007199254740991,0]'),
      'SHAPE',
      'expected at most 8388608 elements',
    ],
    [
      'nothing, very often',
      withValue('"inputs"', '[1,1,1,1],"data":[1]', '[1000000000000000,1,0,1],"data":[]'),
      'SHAPE',
      'expected at most 8388608 elements',
    ],
    [
      'too few numbers',
      withValue('"inputs"', '"data":[1]', '"data":[]'),
      'SHAPE',
      '.inputs.query.data: has 0 numbers',
    ],
    [
      'text for a number',
      withValue('"inputs"', '"data":[1]', '"data":["1"]'),
      'ARGUMENT',
      '.inputs.query.data',
    ],
    [
      'a boolean for a float',
      withValue('"inputs"', '"data":[1]', '"data":[true]'),
      'ARGUMENT',
      '.data[0]: is true',
    ],
    [
      'an overflow of JSON',
      withValue('"inputs"', '"data":[1]', '"data":[1e999]'),
      'ARGUMENT',
      '.data[0]: is Infinity',
    ],
    [
      'an overflow of float32',
      withValue('"inputs"', '"data":[1]', '"data":[1e39]'),
      'ARGUMENT',
      '.data[0]: is 1e+39',
    ],
    ['2 for a boolean', withValue('"mask":', '[true]', '[2]'), 'ARGUMENT', '.inputs.mask.data[0]: is 2'],
    [
      'base64 too short',
      withValue('"value"', 'AACAPw==', 'AACA'),
      'SHAPE',
      '.inputs.value.data: has 4 characters',
    ],
    [
      'base64 too long',
      withValue('"value"', 'AACAPw==', 'AACAPwAACAPw'),
      'SHAPE',
      '.inputs.value.data: has 12',
    ],
    [
      'no base64',
      withValue('"value"', 'AACAPw==', 'AAC-Pw=='),
      'ARGUMENT',
      '.inputs.value.data: is not base64',
    ],
    [
      'base64 with space',
      withValue('"value"', 'AACAPw==', '  AACAPw'),
      'ARGUMENT',
      '.inputs.value.data: is not base64',
    ],
    [
      'base64 cut',
      withValue('"value"', 'AACAPw==', 'AACAP==='),
      'ARGUMENT',
      '.inputs.value.data: is not base64',
    ],
    [
      'a length over int32',
      withValue('"keyLengths"', '[1]', '[4294967297]'),
      'ARGUMENT',
      '.inputs.keyLengths[0]: ',
    ],
    [
      'a length over the keys',
      withValue('"keyLengths"', '[1]', '[2]'),
      'ARGUMENT',
      'x.json: cases[0]: keyLengths has 2',
    ],
    [
      'lengths of another batch',
      withValue('"keyLengths"', '[1]', '[1,1]'),
      'SHAPE',
      'x.json: cases[0]: keyLengths is',
    ],
    [
      'a scale beyond numbers',
      withValue('"scale"', '1', '1e999'),
      'ARGUMENT',
      'x.json: cases[0]: scale is Infinity',
    ],
    ['a negative window', withValue('"left"', '1', '-1'), 'ARGUMENT', '.options.window.left: '],
    ['an unknown corner', withValue('"options"', 'topLeft', 'topRight'), 'ARGUMENT', '.options.alignment: '],
    ['a negative tolerance', withValue('', '"tolerance":0', '"tolerance":-1'), 'ARGUMENT', '.tolerance: '],
    ['an id with an escape', withValue('', '"one-key"', '"\\u001b[2J"'), 'ARGUMENT', 'x.json: cases[0].id: '],
    [
      'an id twice',
      withValue('', '"cache"', '"one-key"'),
      'ARGUMENT',
      'x.json: cases[1].id: one-key is the id of another',
    ],
    [
      'another shape than the output has',
      withValue('"expected"', '[1,1,1,1]', '[1,1,1]'),
      'SHAPE',
      'x.json: cases[0].expected.output.shape: is [1, 1, 1]; expected [1, 1, 1, 1]',
    ],
    [
      'another dtype than the output has',
      withValue('"expected"', 'float32', 'int32'),
      'DTYPE',
      '.expected.output.dtype: ',
    ],
    [
      'an output that is not there',
      withValue('"expected"', '"output"', '"choice"'),
      'ARGUMENT',
      'x.json: cases[0]: choice is an output of hard',
    ],
    [
      'a gradient that is not there',
      withValue('"expected"', '"dQuery"', '"dBias"'),
      'ARGUMENT',
      '.expected.dBias: ',
    ],
    [
      'half of the statistics',
      withValue('"expected"', '"logSumExp"', '"rowMax"'),
      'ARGUMENT',
      '.expected.rowSum: is missing',
    ],
    [
      'no gradient of the output',
      withValue('', '"dOutput"', '"sinks"'),
      'SHAPE',
      'x.json: cases[0]: sinks is',
    ],
    ['no steps', withValue('"cache"', '"steps":[{', '"steps":[],"x":[{'), 'ARGUMENT', 'x.json: cases[1].'],
    [
      'rows past the cache',
      withValue('"write"', '"start":1', '"start":2'),
      'SHAPE',
      'cases[1].steps[1].write.key.shape: ',
    ],
    [
      'rows far past the cache',
      withValue('"write"', '"start":1', '"start":1e15'),
      'SHAPE',
      '.write.key.shape: ',
    ],
    [
      'rows of another dtype',
      withValue('"write"', 'float32', 'float64'),
      'DTYPE',
      'cases[1].steps[1].write.key.dtype: ',
    ],
    [
      'another problem in a later step',
      withValue('"write"', '"expected":{"output"', '"expected":{"weights"'),
      'SHAPE',
      'cases[1].steps[1].expected.weights.shape: ',
    ],
    [
      'another mask in a later step',
      withValue('"write"', '"inputs":{', '"inputs":{"mask":{"dtype":"bool","shape":[1],"data":[1]},'),
      'ARGUMENT',
      'x.json: cases[1].steps[1]: is another problem than the first step, and one kernel runs them all: mask is {"kind":"boolean","shape":[1,1,1,1]}, not null',
    ],
    [
      'no query in a step',
      withValue('"steps"', '"query"', '"bias"'),
      'MISSING_INPUT',
      'x.json: cases[1].steps[0]: query is',
    ],
    [
      'offsets that no alignment reads',
      withValue('"keyLengths"', '[1]', '[1],"offsets":[0]'),
      'UNEXPECTED_INPUT',
      'x.json: cases[0].inputs.offsets: is given; options.alignment is "topLeft", "offset" would read it',
    ],
    [
      'offsets without an alignment',
      withValue('"keyLengths"', '[1]', '[1],"offsets":[0]').replace(',"alignment":"topLeft"', ''),
      'UNEXPECTED_INPUT',
      'x.json: cases[0].inputs.offsets: is given; options.alignment is missing',
    ],
    [
      'an alignment by offsets, without them',
      withValue('"options"', '"topLeft"', '"offset"'),
      'MISSING_INPUT',
      'x.json: cases[0].inputs.offsets: is missing; options.alignment is "offset", which reads it',
    ],
    [
      'offsets of another batch',
      withValue('"keyLengths"', '[1]', '[1],"offsets":[0,0]').replace('"topLeft"', '"offset"'),
      'SHAPE',
      'x.json: cases[0].inputs.offsets: has 2 numbers; expected one for each of the batch of 1',
    ],
    [
      'offsets that no alignment reads, in a step',
      withValue('"write"', '"keyLengths"', '"offsets":[0],"keyLengths"'),
      'UNEXPECTED_INPUT',
      'x.json: cases[1].steps[1].inputs.offsets: is given; options.alignment is "bottomRight"',
    ],
    [
      'an alignment by offsets without them, in steps',
      withValue('"cache"', '"bottomRight"', '"offset"'),
      'MISSING_INPUT',
      'x.json: cases[1].steps[0].inputs.offsets: is missing',
    ],
    [
      'integers for a boolean mask',
      withValue('"mask":', '"bool"', '"int32"').replace('"data":[true]', '"data":[1]'),
      'DTYPE',
      'x.json: cases[0]: mask is int32; expected bool (true may attend) or floats',
    ],
    ['a purpose without words', withValue('', '"clause"', '"purpose":"","clause"'), 'ARGUMENT', '.purpose: '],
    ['an ONNX test without a name', '{"op":"Attention"}', 'ARGUMENT', 'x.json: name: '],
    ['an ONNX operator with an escape', '{"op":"\\u001b[2J","name":"a"}', 'ARGUMENT', 'x.json: op: '],
    [
      'an ONNX test with an unknown attribute',
      '[{"op":"Attention","name":"a","opset":23,"attributes":{"causal":1},"inputs":[],"outputs":[]}]',
      'ARGUMENT',
      'x.json: [0].attributes.causal: is not known',
    ],
    [
      'an ONNX test without inputs',
      '[{"op":"Attention","name":"a","opset":23,"attributes":{},"inputs":[],"outputs":[]}]',
      'MISSING_INPUT',
      'x.json: [0].inputs[0]: Q is missing',
    ],
    [
      'keys of another rank than queries, to be masked',
      onnxTest([floats([1, 1, 1, 1]), floats([1, 1]), floats([1, 1]), floats([1])]),
      'SHAPE',
      'x.json: inputs[1].shape: is [1, 1]; expected',
    ],
    [
      'a mask that grows as it is padded',
      onnxTest([floats([1, 1, 1, 1]), floats([1, 1, 9999, 1]), floats([1, 1, 9999, 1]), floats([9999, 1])]),
      'SHAPE',
      'x.json: inputs[3].shape: is [9999, 1]; too many elements once padded to 9999',
    ],
    [
      'a past that has other heads',
      onnxTest([...Array.from({ length: 3 }, () => floats([1, 1, 1, 1])), null, floats([1, 2, 1, 1])]),
      'SHAPE',
      'x.json: inputs[4]: is float32 [1, 2, 1, 1], which does not continue',
    ],
    [
      'a Y of another shape',
      onnxTest(Array.from({ length: 3 }, () => floats([1, 1, 2, 1]))),
      'SHAPE',
      'x.json: outputs[0].shape: is [1, 1, 1, 1]; expected [1, 1, 2, 1]',
    ],
  ])('%s', (_what, text, code, message) => {
    const error = refusal(() => parseCases(text, 'x.json'));
    expect(`${error.code} ${error.message}`).toContain(message);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^x\.json: /);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(500);
  });

  test('one that would take hours', () => {
    const length = 100_000;
    const data = Buffer.alloc(4 * length).toString('base64');
    const rows = { dtype: 'float32', shape: [1, 1, length, 1], data };
    const inputs = { query: rows, key: rows, value: rows };
    const file = {
      format: 'heed-cases/1',
      source: '',
      cases: [{ id: 'a', inputs, expected: { output: rows } }],
    };
    const error = refusal(() => parseCases(JSON.stringify(file), 'x.json'));
    expect(error.reason).toBe('x.json: cases[0]: takes 2.0e+10 products; expected at most 4294967296');
  });

  test('numbers by the million: refused in the end, within seconds', () => {
    const text = withValue('"inputs"', '"data":[1]', `"data":[${'0,'.repeat(4_000_000)}0]`);
    expect(refusal(() => parseCases(text, 'x.json')).message).toMatch(
      /inputs\.query\.data: has 4000001 numbers/,
    );
  });
});
