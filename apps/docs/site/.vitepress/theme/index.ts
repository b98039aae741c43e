import DefaultTheme from 'vitepress/theme-without-fonts';
import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/newsreader/index.css';
import './style.css';

export default DefaultTheme;
