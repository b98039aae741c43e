import { type Markup, html } from './markup.ts';
import { style } from './style.ts';

/** A page of one file, without external resources or scripts. */
export interface Page {
  /** The command that makes it: `heed demo`. */
  readonly command: string;
  readonly title: string;
  /** CSS rules besides those of all pages. */
  readonly style?: readonly Markup[];
  /** Content below the title. */
  readonly lead: Markup;
  readonly body: Markup;
  /** Paragraphs. */
  readonly footer: Markup;
}

/** @returns its HTML. */
export function documentOf(page: Page): string {
  const { command, title, lead, body, footer } = page;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="generator" content="${command}" />
        <title>Heed: ${title}</title>
        <style>
          ${style} ${page.style ?? []}
        </style>
      </head>
      <body>
        <main>
          <header>
            <p class="name">${command[0]!.toUpperCase()}${command.slice(1)}</p>
            <h1>${title}</h1>
            ${lead}
          </header>
          ${body}
          <footer>${footer}</footer>
        </main>
      </body>
    </html> `.text;
}
