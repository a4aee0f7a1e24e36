/** Scripts and styles of the two pages: files of their packages, and the few lines that start them. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const JAVASCRIPT = 'text/javascript; charset=utf-8'
const CSS = 'text/css; charset=utf-8'

interface Packaged {
  readonly type: string
  /** Where it comes from; in a bundle a copy lies in `assets/` beside it. */
  readonly from: string
  /** A text in it that would make the browser ask another host. */
  readonly without?: string
}
interface Inline {
  readonly type: string
  readonly text: string
}

const DESCRIPTION = '/api/v1/openapi.json'

const ASSETS: Readonly<Record<string, Packaged | Inline>> = {
  'swagger-ui.css': { type: CSS, from: 'swagger-ui-dist/swagger-ui.css' },
  'swagger-ui-bundle.js': { type: JAVASCRIPT, from: 'swagger-ui-dist/swagger-ui-bundle.js' },
  'favicon.png': { type: 'image/png', from: 'swagger-ui-dist/favicon-32x32.png' },
  'redoc.js': {
    type: JAVASCRIPT,
    from: 'redoc/bundles/redoc.standalone.js',
    without: 'https://cdn.redoc.ly/redoc/logo-mini.svg',
  },
  'swagger-ui-start.js': {
    type: JAVASCRIPT,
    text: `SwaggerUIBundle({ url: '${DESCRIPTION}', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })\n`,
  },
  'redoc-start.js': {
    type: JAVASCRIPT,
    text: `Redoc.init('${DESCRIPTION}', { hideLogo: true, nativeScrollbars: true }, document.getElementById('redoc'))\n`,
  },
  'redoc.css': { type: CSS, text: "body { margin: 0 }\na[href^='https://redocly.com'] { display: none }\n" },
}

/** Names and sources of what a bundle must carry along. */
export const PACKAGED_ASSETS: readonly (readonly [file: string, specifier: string])[] = Object.entries(ASSETS).flatMap(
  ([file, asset]) => ('from' in asset ? [[file, asset.from] as const] : []),
)

function locate(file: string, from: string): URL {
  const copy = new URL(`assets/${file}`, import.meta.url)
  return existsSync(copy) ? copy : new URL(import.meta.resolve(from))
}

/** The type and bytes of an asset; undefined when there is none of that name. */
export async function readAsset(file: string): Promise<{ type: string; body: string | Uint8Array } | undefined> {
  const asset = Object.hasOwn(ASSETS, file) ? ASSETS[file] : undefined
  if (!asset) return undefined
  if ('text' in asset) return { type: asset.type, body: asset.text }
  const body = await readFile(locate(file, asset.from))
  const { without } = asset
  return { type: asset.type, body: without ? body.toString().replaceAll(without, 'data:,') : body }
}
