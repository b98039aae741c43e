import { type HeatmapView, toSVG } from '@heed/heatmap';
import { useState } from 'preact/hooks';

interface ExportProps {
  readonly view: () => HeatmapView;
  readonly scheme: 'light' | 'dark';
  /** True if a link can lead here, which is not possible for a model dropped on the page. */
  readonly canLink: boolean;
  /** Name of the files, without extension. */
  readonly name: string;
}

/** Saves the heatmap as a file, and copies the address of the current page. */
export function Export({ view, scheme, canLink, name }: ExportProps) {
  const [message, setMessage] = useState('');
  const svg = (): string => toSVG(view(), { theme: scheme, caption: addressOf(location) });
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(location.href);
      setMessage('The link is copied.');
    } catch {
      setMessage(`This browser does not let the page copy. The link: ${location.href}`);
    }
  };
  return (
    <div class="export">
      <button type="button" onClick={() => save(new Blob([svg()], { type: 'image/svg+xml' }), `${name}.svg`)}>
        Save SVG
      </button>
      <button type="button" onClick={() => void toPNG(svg()).then((png) => save(png, `${name}.png`))}>
        Save PNG
      </button>
      {canLink && (
        <button type="button" onClick={() => void copy()}>
          Copy link
        </button>
      )}
      <span role="status">{message}</span>
    </div>
  );
}

/** The address of the page under a picture: without the fragment, which may hold a text. A page of a disk has none. */
function addressOf({ protocol, host, pathname }: Location): string {
  return protocol === 'file:' ? '' : `${host}${pathname.replace(/(index\.html)?$/, '')}`.replace(/\/$/, '');
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  // The download reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const SCALE = 2;

/** A canvas draws what the browser shows, with the fonts that it has. */
async function toPNG(svg: string): Promise<Blob> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(SCALE * image.naturalWidth, SCALE * image.naturalHeight);
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: 'image/png' });
  } finally {
    URL.revokeObjectURL(url);
  }
}
