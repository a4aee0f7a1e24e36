/** The documentation in a browser, and the API description in a validator. */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import '../../../functions/po/docs/index.ts'
import { registeredFunction } from '../../../shared/http/register.ts'
import { poRoutes, routes } from '../../../shared/routes/index.ts'
import { serveFunction } from '../../shared/http/edge.ts'
import { browsing, CHROMIUM, keep } from '../browser.ts'

vi.stubEnv('LOG_LEVEL', 'fatal')
const fn = registeredFunction('po-docs')
if (!fn) throw new Error('po-docs does not register itself')
const server = await serveFunction(fn)
afterAll(() => server[Symbol.asyncDispose]())

const described = poRoutes.filter(
  ({ trigger, name }) => trigger === 'http' && name.startsWith('po-') && name !== 'po-docs',
)
const operations = described.flatMap(({ endpoints }) => endpoints)

interface Description {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
}
interface Operation {
  readonly operationId: string
  readonly security: readonly object[]
  readonly parameters?: readonly { name: string; schema: { format?: string } }[]
  readonly requestBody?: { content: { 'application/json': { schema: { required: string[]; properties: object } } } }
  readonly responses: Record<string, object>
}

const describeApi = async () => (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as Description

describe('the description', () => {
  test('is valid OpenAPI 3.1', async () => {
    const source = await (await fetch(`${server.url}/api/v1/openapi.json`)).text()
    // The contract has `/po/`, and health has no way to be asked wrongly.
    const rules = { 'no-path-trailing-slash': 'off', 'operation-4xx-response': 'off' } as const
    const config = await createConfig({ extends: ['recommended-strict'], rules })
    const problems = await lintFromString({ source, config })
    expect(problems.map(({ message, location }) => `${location[0]?.pointer}: ${message}`)).toEqual([])
  })

  test('has every method and path of the route table, and no other', async () => {
    const { openapi, paths } = await describeApi()
    expect(openapi).toBe('3.1.0')
    const found = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    expect(found.sort()).toEqual(operations.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort())
  })

  test('says what a create takes', async () => {
    const create = (await describeApi()).paths['/po/']?.['post']
    const schema = create?.requestBody?.content['application/json'].schema
    expect(schema?.required.sort()).toEqual([
      'analysis_id',
      'image_url',
      'kong_token',
      'project_id',
      'registry_password',
      'registry_url',
      'registry_user',
    ])
    expect(schema?.properties).toMatchObject({
      analysis_id: { type: 'string', format: 'uuid' },
      registry_password: { writeOnly: true },
      restart_counter: { type: 'integer', default: 0 },
    })
    expect(Object.keys(create?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '401', '403', '413', '415', '422']),
    )
  })

  test('says which operations need a token', async () => {
    const { paths } = await describeApi()
    expect(paths['/po/healthz']?.['get']?.security).toEqual([])
    expect(paths['/po/status/{analysis_id}']?.['get']).toMatchObject({
      security: [{ bearer: [] }],
      parameters: [{ name: 'analysis_id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
    })
  })
})

describe('assets', () => {
  test.each([
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['redoc.js', 'text/javascript; charset=utf-8'],
    ['favicon.png', 'image/png'],
  ])('%s is served from here', async (file, type) => {
    const response = await fetch(`${server.url}/api/assets/${file}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(500)
  })

  test.each(['nothing.js', '..%2findex.ts', '%2e%2e%2f%2e%2e%2fpackage.json', '__proto__', 'constructor'])(
    '%s is not there: 404',
    async (file) => {
      expect((await fetch(`${server.url}/api/assets/${file}`)).status).toBe(404)
    },
  )
})

describe.skipIf(!CHROMIUM)('in a browser', () => {
  const open = browsing(server.url)
  const host = new URL(server.url).host

  test('Swagger UI shows every operation, asks no other host, and breaks no policy', async () => {
    const { page, hosts, complaints } = await open('/api/docs', (one) => one.waitForSelector('.opblock'))
    const shown = await page.$$eval('.opblock-summary-path', (nodes) => nodes.map((node) => node.textContent ?? ''))
    const plain = shown.map((text) => text.replaceAll('\u200b', ''))
    expect(plain.sort()).toEqual(operations.map(({ path }) => path).sort())
    expect([...hosts]).toEqual([host])
    expect(complaints).toEqual([])
    await keep(page, 'swagger')
  })

  test('ReDoc shows every operation, asks no other host, and breaks no policy', async () => {
    const summaries = operations.map(({ summary }) => summary)
    const { page, hosts, complaints } = await open('/api/redoc', (one) => one.waitForSelector('[role=menuitem]'))
    const text = await page.textContent('#redoc')
    for (const summary of summaries) expect(text).toContain(summary)
    expect([...hosts]).toEqual([host])
    expect(complaints).toEqual([])
    await keep(page, 'redoc')
  })

  test('Swagger UI sends a request to the gateway it came from', async () => {
    const { page } = await open('/api/docs', (one) => one.waitForSelector('.opblock'))
    const sent = page.waitForRequest((request) => request.url().endsWith('/po/healthz'))
    await page.click(`#operations-po-${routes.po.healthz.name} .opblock-summary-control`)
    await page.click('.try-out__btn')
    await page.click('.execute')
    expect(new URL((await sent).url()).host).toBe(host)
  })
})
