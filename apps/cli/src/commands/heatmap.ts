import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type AttentionBackend,
  type AttentionRequest,
  type BackendProvider,
  HeedError,
  firstAvailable,
} from '@heed/core';
import { type ColorMap, type DomainOption, type Scheme, toTerminal } from '@heed/heatmap';
import { Command, InvalidArgumentError, Option } from 'commander';
import { importProvider } from '../backends/provider.ts';
import { isInstalled, locate } from '../backends/resolve.ts';
import type { Console, ExitCode } from '../output/console.ts';
import { type Writing, fileFor, writing } from '../output/destination.ts';
import { FORMATS } from '../heatmap/draw.ts';
import type { Choice, Heads, Source } from '../heatmap/choose-weights.ts';
import type { Labels } from '../heatmap/files/read-file.ts';
import { collect, integerOption } from './options.ts';

const HELP = `
FILE is a .safetensors, .npy or .npz file, or .json: { "weights": [[…]], "tokens": […] }, or a file of cases (CASES.md).
It holds weights ([Lq, Lk], [H, Lq, Lk], [B, H, Lq, Lk] or a stack of layers, [N, B, H, Lq, Lk]), or queries and keys,
whose weights are computed; those of more than 2048 tokens tile by tile at the picture's resolution.

Examples:
  $ heed heatmap attentions.npy --head 4
  $ heed heatmap layer.safetensors --tensor attn --head all --out heads.svg --out heads.png
  $ heed heatmap model.npz --tensor layer0 --tensor layer1 --rollout --tokens tokens.txt
  $ heed heatmap cross.npy --layer 3 --head 0 --query-tokens french.txt --key-tokens english.txt

Exit codes: 0 it is drawn, 2 wrong usage, or a file that cannot be read.`;

/** Backends that compute weights if none is named. */
const FASTEST_FIRST = ['native', 'wasm', 'ts'];

interface Options extends Choice {
  readonly tokens?: string;
  readonly queryTokens?: string;
  readonly keyTokens?: string;
  readonly out: readonly string[];
  readonly title?: string;
  readonly domain?: DomainOption;
  readonly colorMap: ColorMap;
  readonly theme?: Scheme | 'auto';
  readonly backend?: string;
}

export function heatmapCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('heatmap')
    .description('draw attention weights: in the terminal, or as SVG, PNG or HTML')
    .argument('<FILE>', 'a file of weights, or of queries and keys')
    .addOption(
      new Option('--tensor <name>', 'the tensor to draw; repeated, the layers of --rollout')
        .argParser(collect)
        .default([], 'the only one, or weights')
        .conflicts('case'),
    )
    .option('--case <id>', 'the case, of a file of cases')
    .addOption(integerOption('--layer <number>', 'which layer of a stack').conflicts(['rollout', 'case']))
    .addOption(integerOption('--batch <number>', 'which element of the batch'))
    .addOption(new Option('--head <head>', 'a number, all, or mean').argParser(parseHead))
    .addOption(
      // It takes the mean over heads.
      new Option('--rollout', 'attention rollout over the layers that --tensor names').conflicts('head'),
    )
    .addOption(
      new Option('--tokens <file>', 'labels: a text file with a token a line, or a JSON list').conflicts([
        'queryTokens',
        'keyTokens',
      ]),
    )
    .option('--query-tokens <file>', 'labels of the rows, where they are not those of the columns')
    .option('--key-tokens <file>', 'labels of the columns')
    .addOption(
      new Option('--out <file>', `write a file (${FORMATS.join(', ')}); may be repeated`)
        .argParser(parseOut)
        .default([], 'draw in the terminal'),
    )
    .option('--title <text>', 'of the picture (default: what is drawn)')
    .addOption(
      new Option('--domain <domain>', 'LOW,HIGH of the color scale, or robust').argParser(parseDomain),
    )
    .addOption(
      new Option('--color-map <name>', 'colors')
        .choices(['magma', 'inferno', 'plasma', 'viridis', 'RdBu'])
        .default('magma'),
    )
    .addOption(
      new Option('--theme <theme>', 'of files').choices(['auto', 'light', 'dark']).default(undefined, 'auto'),
    )
    .addOption(
      new Option('--backend <name>', 'computes weights from queries and keys').default(
        undefined,
        `the first of ${FASTEST_FIRST.join(', ')} that runs here`,
      ),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (file: string, options: Options) => {
      await draw(file, options, console);
      onEnd(0);
    });
}

async function draw(file: string, options: Options, console: Console): Promise<void> {
  const { readTensors } = await import('../heatmap/files/read-file.ts');
  const { chooseWeights } = await import('../heatmap/choose-weights.ts');
  const { pictureOf, renderPicture, smallEnough } = await import('../heatmap/draw.ts');
  const { readTokens } = await import('../heatmap/files/tokens.ts');
  checkUsage(options);
  const files = options.out.map((out) => fileFor(out, writes(out)));
  const contents = readTensors(file);
  const source = chooseWeights(contents, options);
  if (source.kind === 'weights' && options.backend !== undefined) {
    throw useless('--backend', `queries and keys; ${file} holds weights`);
  }
  const labels = labelsOf(options, contents.labels, readTokens);
  const { batch, head, rollout, domain } = options;
  const asked = {
    title: options.title ?? `${path.basename(file)}: ${describe(source, options)}`,
    labels,
    ...(batch !== undefined && { batch }),
    ...(head !== undefined && { head }),
    ...(rollout && { rollout }),
    ...(domain !== undefined && { domain }),
  };
  const picture = await pictureOf(source, asked, () => backendOf(options.backend));
  const { colorMap, theme = 'auto' } = options;
  for (const out of files) {
    const bytes = await renderPicture(picture, path.extname(out).toLowerCase(), { colorMap, theme });
    writing(writes(out), () => writeFileSync(out, bytes));
  }
  if (options.out.length === 0) {
    const { depth, width } = console;
    const small = smallEnough(picture, Math.max(8, Math.floor((width - 24) / 2)));
    console.print(toTerminal(small, { color: depth, columns: Math.max(20, width), colorMap }));
  }
  files.forEach((out) => console.print(out));
  const { title, description } = picture;
  console.result({ title, description, files });
}

async function backendOf(named: string | undefined): Promise<AttentionBackend> {
  const providerOf = (name: string): Promise<BackendProvider> => importProvider(locate(name).url, name);
  if (named !== undefined) return (await providerOf(named)).create();
  return (await firstAvailable(await Promise.all(FASTEST_FIRST.filter(isInstalled).map(providerOf)))).backend;
}

/** Returns the requested labels, or those of the file. */
function labelsOf(
  { tokens, queryTokens, keyTokens }: Options,
  ofFile: Labels,
  read: (file: string) => readonly string[],
): Labels {
  if (tokens !== undefined) return { both: read(tokens) };
  return {
    ...ofFile,
    ...(queryTokens !== undefined && { queries: read(queryTokens) }),
    ...(keyTokens !== undefined && { keys: read(keyTokens) }),
  };
}

/** Description of what is drawn. */
function describe(source: Source, { layer, batch, head, rollout }: Choice): string {
  const { name } = source;
  if (rollout) return `rollout of ${name}`;
  const parts = [
    name,
    ...(layer === undefined ? [] : [`layer ${layer}`]),
    ...(batch === undefined ? [] : [`batch ${batch}`]),
    ...(typeof head === 'number' ? [`head ${head}`] : []),
    ...(head === 'mean' ? ['mean of heads'] : []),
    ...(source.kind === 'request' ? limitsOf(source.request) : []),
  ];
  return parts.join(', ');
}

/** Limits on which keys the queries of a case attend to. */
function limitsOf({ causal, window }: AttentionRequest): string[] {
  const side = (keys: number | null | undefined): string => (keys == null ? '∞' : String(keys));
  return [
    ...(causal ? ['causal'] : []),
    ...(window ? [`window −${side(window.left)} … +${side(window.right)}`] : []),
  ];
}

function checkUsage({ theme, out }: Options): void {
  if (theme !== undefined && out.length === 0) throw useless('--theme', '--out, since themes are of files');
}

/** Error for an option without effect: the user must have meant something else. */
function useless(option: string, why: string): HeedError {
  return new HeedError('ARGUMENT', `${option} requires ${why}`, { remedy: `leave out ${option}` });
}

function writes(out: string): Writing {
  return { what: out, remedy: 'give --out a file in a folder that exists and can be written to' };
}

function parseHead(text: string): Heads {
  if (text === 'all' || text === 'mean') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number from 0, all, or mean.');
}

function parseOut(file: string, earlier: readonly string[]): readonly string[] {
  if (FORMATS.some((extension) => file.toLowerCase().endsWith(extension))) return [...earlier, file];
  throw new InvalidArgumentError(`expected a name that ends with ${FORMATS.join(', ')}.`);
}

function parseDomain(text: string): DomainOption {
  if (text === 'robust') return text;
  const parts = text.split(',');
  const [low, high] = parts.map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (parts.length === 2 && low! < high! && Number.isFinite(high! - low!)) return [low!, high!];
  throw new InvalidArgumentError('expected LOW,HIGH with LOW < HIGH, or robust.');
}
