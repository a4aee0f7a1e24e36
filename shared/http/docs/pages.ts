/** The pages that describe an API. All assets are served from here: browsers of a node have no access to the internet. */
import * as z from 'zod'
import { Fault } from '../../platform/fault.ts'
import type { Route } from '../../routes/index.ts'
import { createEdge, type Edge } from '../edge.ts'
import { endpoint } from '../endpoint.ts'
import { once } from '../exchange.ts'
import type { HttpFunction } from '../register.ts'
import { type Encoded, encoded } from '../reply.ts'
import { readAsset } from './assets.ts'

export interface ApiDocs {
  readonly title: string
  /** Path of the OpenAPI description, as a browser has it. */
  readonly description: string
  /** Path of scripts and styles. */
  readonly assets: string
  readonly describe: () => object
}

/** What the settings of a site say of its API. */
export type Site = Pick<Edge, 'prefix' | 'isOpen'>

const HTML = 'text/html; charset=utf-8'
const DAY = 'public, max-age=86400'

/** ReDoc makes a worker from a blob for its search index; both pages add styles at run time. */
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
  answer: z.never(),
  failures: ['Error showing the docs', 'Error showing the docs', 'Error describing the API', 'Error reading an asset'],
}

const page = (type: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Encoded =>
  encoded({ status: 200, headers: { 'content-type': type, ...headers }, body })

const html = (title: string, assets: string, head: string, body: string): Encoded =>
  page(
    HTML,
    `<!doctype html>
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
    { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer' },
  )

const swagger = ({ title, assets }: ApiDocs): Encoded =>
  html(
    `${title}: Swagger UI`,
    assets,
    `<link rel="stylesheet" href="${assets}/swagger-ui.css">`,
    `<div id="swagger-ui"></div>
<script src="${assets}/swagger-ui-bundle.js"></script>
<script src="${assets}/swagger-ui-start.js"></script>`,
  )

const redoc = ({ title, assets }: ApiDocs): Encoded =>
  html(
    `${title}: ReDoc`,
    assets,
    `<link rel="stylesheet" href="${assets}/redoc.css">`,
    `<div id="redoc"></div>
<script src="${assets}/redoc.js"></script>
<script src="${assets}/redoc-start.js"></script>`,
  )

async function asset({ description }: ApiDocs, file: string): Promise<Encoded> {
  const found = await readAsset(file, description)
  if (!found) throw new Fault('not_found', 'Not Found')
  return page(found.type, found.body, { 'cache-control': DAY })
}

/** @param path template of the endpoint; any that is neither a page nor the description is that of an asset */
export async function docsReply(docs: ApiDocs, path: string, file = ''): Promise<Encoded> {
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'docs':
      return swagger(docs)
    case 'redoc':
      return redoc(docs)
    case 'openapi.json':
      return page('application/json', JSON.stringify(docs.describe()))
    default:
      return asset(docs, file)
  }
}

/** The function that serves the documentation of an API. */
export function pagesOf(
  route: Route,
  docsOf: (site: Site) => ApiDocs,
  edge: () => Edge = once(() => createEdge(route)),
): HttpFunction {
  const docs = once(() => docsOf(edge()))
  return endpoint(
    route,
    docsSchemas,
    async (_, { path, params }) => docsReply(docs(), path, params.file),
    () => undefined,
    { edge },
  )
}
