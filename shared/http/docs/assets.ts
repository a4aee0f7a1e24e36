/** Scripts and styles of the two pages: files of npm packages, and the lines that start them. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const JAVASCRIPT = 'text/javascript; charset=utf-8'
const CSS = 'text/css; charset=utf-8'

interface Packaged {
  readonly type: string
  /** Specifier in its package. A bundle has a copy in `assets/` beside it. */
  readonly from: string
  /** URL in it that would make the browser call another host. */
  readonly without?: string
}
interface Inline {
  readonly type: string
  readonly text: string
}

const PACKAGED: Readonly<Record<string, Packaged>> = {
  'swagger-ui.css': { type: CSS, from: 'swagger-ui-dist/swagger-ui.css' },
  'swagger-ui-bundle.js': { type: JAVASCRIPT, from: 'swagger-ui-dist/swagger-ui-bundle.js' },
  'favicon.png': { type: 'image/png', from: 'swagger-ui-dist/favicon-32x32.png' },
  'redoc.js': {
    type: JAVASCRIPT,
    from: 'redoc/bundles/redoc.standalone.js',
    without: 'https://cdn.redoc.ly/redoc/logo-mini.svg',
  },
}

/** @param description path of the OpenAPI description */
const inline = (description: string): Readonly<Record<string, Inline>> => ({
  'swagger-ui-start.js': {
    type: JAVASCRIPT,
    text: `SwaggerUIBundle({ url: '${description}', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })\n`,
  },
  'redoc-start.js': {
    type: JAVASCRIPT,
    text: `Redoc.init('${description}', { hideLogo: true, nativeScrollbars: true }, document.getElementById('redoc'))\n`,
  },
  'redoc.css': { type: CSS, text: "body { margin: 0 }\na[href^='https://redocly.com'] { display: none }\n" },
})

/** Files that a bundle must contain, with their specifiers. */
export const PACKAGED_ASSETS: readonly (readonly [file: string, specifier: string])[] = Object.entries(PACKAGED).map(
  ([file, { from }]) => [file, from],
)

function locate(file: string, from: string): URL {
  const copy = new URL(`assets/${file}`, import.meta.url)
  return existsSync(copy) ? copy : new URL(import.meta.resolve(from))
}

/** Undefined when there is no asset of this name. */
export async function readAsset(
  file: string,
  description: string,
): Promise<{ type: string; body: string | Uint8Array } | undefined> {
  const texts = inline(description)
  const text = Object.hasOwn(texts, file) ? texts[file] : undefined
  if (text) return { type: text.type, body: text.text }
  const packaged = Object.hasOwn(PACKAGED, file) ? PACKAGED[file] : undefined
  if (!packaged) return undefined
  const { type, from, without } = packaged
  const body = await readFile(locate(file, from))
  return { type, body: without ? body.toString().replaceAll(without, 'data:,') : body }
}
