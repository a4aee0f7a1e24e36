/** The pages that describe the API. All they load is served from here: the browser of a node has no way out. */
import * as z from 'zod'
import { Fault } from '../../../shared/fault.ts'
import { describeApi } from '../../../shared/http/openapi.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes.ts'
import { readAsset } from './assets.ts'

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

const html = (title: string, head: string, body: string): Page => ({
  type: HTML,
  headers: { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer' },
  body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/api/assets/favicon.png">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`,
})

const swagger = html(
  'Pod orchestration: Swagger UI',
  '<link rel="stylesheet" href="/api/assets/swagger-ui.css">',
  `<div id="swagger-ui"></div>
<script src="/api/assets/swagger-ui-bundle.js"></script>
<script src="/api/assets/swagger-ui-start.js"></script>`,
)

const redoc = html(
  'Pod orchestration: ReDoc',
  '<link rel="stylesheet" href="/api/assets/redoc.css">',
  `<div id="redoc"></div>
<script src="/api/assets/redoc.js"></script>
<script src="/api/assets/redoc-start.js"></script>`,
)

const { docs: _, statusReconcile: __, ...described } = routes.po
type Described = keyof typeof described

const description = (): Page => {
  const api = describeApi({
    title: 'Pod orchestration',
    version: '0.1.0',
    description: 'Creates, watches and removes the analyses of a FLAME node.',
    tag: { name: 'po', description: 'Analyses of this node' },
    operations: (Object.keys(described) as Described[]).map((key) => ({
      route: described[key],
      schemas: poSchemas[key],
    })),
  })
  return { type: 'application/json', headers: {}, body: JSON.stringify(api) }
}

async function asset(file: string): Promise<Page> {
  const found = await readAsset(file)
  if (!found) throw new Fault('not_found', 'Not Found')
  return { ...found, headers: { 'cache-control': DAY } }
}

/** @param path template of the endpoint that was hit */
export async function page(path: string, file = ''): Promise<Page> {
  switch (path) {
    case '/api/docs':
      return swagger
    case '/api/redoc':
      return redoc
    case '/api/v1/openapi.json':
      return description()
    default:
      return asset(file)
  }
}
