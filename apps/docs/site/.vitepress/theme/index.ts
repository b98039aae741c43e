import { type Theme, useData } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { type VNode, h } from 'vue';
import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/newsreader/index.css';
import './style.css';

/** The generator's own page for a wrong address has no landmark and no text that search engines and screen readers find. */
function NotFound(): VNode {
  const { site, theme } = useData();
  const { title, quote, linkText } = theme.value.notFound as Readonly<Record<string, string>>;
  return h('main', { class: 'not-found' }, [
    h('h1', title),
    h('p', quote),
    h('a', { href: site.value.base }, linkText),
  ]);
}

const theme: Theme = {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'not-found': () => h(NotFound) }),
};

export default theme;
