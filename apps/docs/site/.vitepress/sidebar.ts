import type { DefaultTheme } from 'vitepress';

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });
const backends = ['wasm', 'native', 'webgpu', 'ts', 'tfjs-node', 'gpujs', 'cluster'];
const packages = ['core', 'layers', 'models', 'heatmap'];

/** The pages in the order in which a newcomer needs them. */
export const SIDEBAR: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: [
      page('In a minute', '/start'),
      page('Choosing a backend', '/guide/choosing-a-backend'),
      page('Coming from …', '/guide/coming-from'),
      page('Questions', '/questions'),
    ],
  },
  {
    text: 'Guides',
    items: [
      page('Decoding', '/guide/decoding'),
      page('A server', '/guide/serving'),
      page('Browsers', '/guide/browsers'),
      page('A model in a page', '/guide/a-model-in-a-page'),
      page('Training', '/guide/training'),
      page('Looking inside', '/guide/looking-inside'),
      page('Errors', '/errors'),
      page('Every message', '/messages'),
      page('The heed command', '/guide/command'),
      page('Examples', '/guide/examples'),
    ],
  },
  {
    text: 'Backends',
    items: backends.map((name) => page(name, `/packages/backend-${name}`)),
  },
  { text: 'Packages', items: packages.map((name) => page(name, `/packages/${name}`)) },
  {
    text: 'What it means, how it is judged',
    items: [
      page('Specification', '/specification'),
      page('Compatibility of libraries', '/compatibility'),
      page('Other libraries as peers', '/peers'),
      page('The conformance suite', '/guide/conformance'),
      page('Case files', '/guide/case-files'),
      page('Performance', '/performance'),
      page('How it is measured', '/performance/how'),
    ],
  },
  {
    text: 'The project',
    items: [
      page('Writing a backend', '/guide/writing-a-backend'),
      page('Architecture', '/project/architecture'),
      page('Contributing', '/project/contributing'),
      page('Decisions', '/project/decisions'),
      page('Security', '/project/security'),
    ],
  },
  {
    text: 'API',
    items: [
      ...['core', 'core/backend', 'core/operations', 'core/reference', 'core/wasm'],
      ...['layers', 'layers/tfjs', 'models'],
      ...['heatmap', 'heatmap/png', 'conformance', ...backends.map((name) => `backend-${name}`)],
    ].map((name) => page(`@heed/${name}`, `/api/${name}`)),
  },
];
