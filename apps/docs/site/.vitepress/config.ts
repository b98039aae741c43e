import { slug } from 'github-slugger';
import { defineConfig } from 'vitepress';
import { linksBetweenDocuments } from './links.ts';
import { pageOf } from './pages.ts';
import { SIDEBAR } from './sidebar.ts';

export default defineConfig({
  title: 'Heed',
  description: 'Attention for TypeScript: one contract, backends you can exchange, and a conformance suite.',
  srcExclude: ['api/README.md'],
  rewrites: pageOf,
  outDir: '../dist',
  cleanUrls: false,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: '/icon.svg' }]],
  markdown: {
    config: linksBetweenDocuments,
    // As on the repository's pages, for which links are written.
    anchor: { slugify: (heading) => slug(heading) },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  vite: {
    build: { chunkSizeWarningLimit: 3000 },
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Guide', link: '/guide/choosing-a-backend' },
      { text: 'API', link: '/api/core' },
      { text: 'Specification', link: '/specification' },
      { text: 'Playground', link: '/playground/', target: '_self' },
    ],
    sidebar: SIDEBAR,
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    docFooter: { prev: 'Before', next: 'Next' },
    notFound: {
      title: 'There is no such page',
      quote: 'The search knows every page, and the names of errors, clauses and exports.',
      linkText: 'To the first page',
      linkLabel: 'To the first page',
    },
    footer: { message: 'Apache-2.0' },
  },
});
