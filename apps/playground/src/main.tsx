import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.getElementById('app')!);

// Only in production, where the files do not change.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // Where the browser may keep nothing, the page works with a network alone.
  navigator.serviceWorker.register(new URL('./service-worker.js', location.href)).catch(() => undefined);
}
