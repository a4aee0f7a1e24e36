/** The pages that describe an API. All they load is served from here: the browser of a node has no way out. */
import * as z from 'zod'
import { Fault } from '../../platform/fault.ts'
import type { Route } from '../../routes/index.ts'
import { createEdge, type Edge } from '../edge.ts'
import { endpoint } from '../endpoint.ts'
import { once } from '../exchange.ts'
import type { HttpFunction } from '../register.ts'
import { readAsset } from './assets.ts'

export interface Book {
  readonly title: string
  /** Paths as a browser sees them. */
  readonly description: string
  readonly assets: string
  readonly describe: () => object
}

export interface Page {
  readonly type: string
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

const HTML = 'text/html; charset=utf-8'
const DAY = 'public, max-age=86400'

/** ReDoc keeps its search index in a worker made from a blob; both pages style themselves at run time. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const docsSchemas = {
  params: z.object({ file: z.string().optional() }),
  answer: z.custom<Page>(),
  failures: ['Error showing the docs', 'Error showing the docs', 'Error describing the API', 'Error reading an asset'],
}

const html = (title: string, assets: string, head: string, body: string): Page => ({
  type: HTML,
  headers: { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer' },
  body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="${assets}/favicon.png">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`,
})

const swagger = ({ title, assets }: Book): Page =>
  html(
    `${title}: Swagger UI`,
    assets,
    `<link rel="stylesheet" href="${assets}/swagger-ui.css">`,
    `<div id="swagger-ui"></div>
<script src="${assets}/swagger-ui-bundle.js"></script>
<script src="${assets}/swagger-ui-start.js"></script>`,
  )

const redoc = ({ title, assets }: Book): Page =>
  html(
    `${title}: ReDoc`,
    assets,
    `<link rel="stylesheet" href="${assets}/redoc.css">`,
    `<div id="redoc"></div>
<script src="${assets}/redoc.js"></script>
<script src="${assets}/redoc-start.js"></script>`,
  )

async function asset(book: Book, file: string): Promise<Page> {
  const found = await readAsset(file, book.description)
  if (!found) throw new Fault('not_found', 'Not Found')
  return { ...found, headers: { 'cache-control': DAY } }
}

/** @param path template of the endpoint that was hit; what is no page nor the description is an asset */
export async function page(book: Book, path: string, file = ''): Promise<Page> {
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'docs':
      return swagger(book)
    case 'redoc':
      return redoc(book)
    case 'openapi.json':
      return { type: 'application/json', headers: {}, body: JSON.stringify(book.describe()) }
    default:
      return asset(book, file)
  }
}

/**
 * The function that answers with the pages of a book.
 * @param bookOf makes the book for what stands before the paths of the route, and for whether a token is asked for
 */
export function pagesOf(
  route: Route,
  bookOf: (prefix: string, isOpen: boolean) => Book,
  edge: () => Edge = once(() => createEdge(route)),
): HttpFunction {
  const book = once(() => bookOf(edge().prefix, edge().isOpen))
  return endpoint(
    route,
    docsSchemas,
    async (_, { path, params }) => page(book(), path, params.file),
    () => undefined,
    {
      edge,
      encode: ({ type, body, headers }) => ({ status: 200, headers: { 'content-type': type, ...headers }, body }),
    },
  )
}
