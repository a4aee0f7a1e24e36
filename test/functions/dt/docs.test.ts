/** The documentation of the digital-twin API, with and without its prefix, in a browser and a validator. */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import '../../../functions/dt/docs/index.ts'
import { registeredFunction } from '../../../shared/http/register.ts'
import { type Route, routes } from '../../../shared/routes/index.ts'
import { serveFunction } from '../../shared/http/edge.ts'
import { browsing, CHROMIUM, keep } from '../browser.ts'

vi.stubEnv('LOG_LEVEL', 'fatal')
const fn = registeredFunction('dt-docs')
if (!fn) throw new Error('dt-docs does not register itself')
const server = await serveFunction(fn)
afterAll(() => server[Symbol.asyncDispose]())

const PREFIX = '/api/orchestrator/v1alpha1'
const FORMS = [PREFIX, '']
const { docs: _, reconcile: __, runInput: ___, runOutput: ____, ...described } = routes.dt
const operations = Object.values<Route>(described).flatMap(({ endpoints }) => endpoints)

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly security: readonly object[]
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> }
  readonly responses: Record<string, { readonly content?: Readonly<Record<string, object>> }>
}
interface Description {
  readonly servers: readonly { url: string }[]
  readonly paths: Record<string, Record<string, Operation>>
}
const describeApi = async (form = '') =>
  (await (await fetch(`${server.url}${form}/openapi.json`)).json()) as Description

describe('the description', () => {
  test('is valid OpenAPI 3.1, and the same in both forms', async () => {
    const [source = '', other] = await Promise.all(
      FORMS.map(async (form) => (await fetch(`${server.url}${form}/openapi.json`)).text()),
    )
    expect(source).toBe(other)
    const rules = { 'no-path-trailing-slash': 'off', 'operation-4xx-response': 'off' } as const
    const config = await createConfig({ extends: ['recommended-strict'], rules })
    const problems = await lintFromString({ source, config })
    expect(problems.map(({ message, location }) => `${location[0]?.pointer}: ${message}`)).toEqual([])
  })

  test('has every method and path that clients call, and no other', async () => {
    const { paths, servers } = await describeApi()
    const found = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    expect(found.sort()).toEqual(operations.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort())
    expect(servers.map(({ url }) => url)).toEqual([PREFIX, '/'])
  })

  test('keeps the ids from which clients were generated', async () => {
    const all = Object.values((await describeApi()).paths).flatMap((item) => Object.values(item))
    expect(all.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining([
        'root-healthz',
        'core-list_services',
        'core-launch_service',
        'core-service_status',
        'core-service_output',
        'core-terminate_service',
        'files-list_files',
        'files-upload_file',
        'files-get_file',
        'files-delete_file',
      ]),
    )
    for (const { operationId, tags } of all) expect(tags).toEqual([operationId.split('-')[0]])
  })

  test('says what is answered, what may be asked, and that a token is needed', async () => {
    const { paths } = await describeApi()
    const launch = paths['/service/launch']?.['post']
    expect(Object.keys(launch?.responses ?? {})).toEqual(expect.arrayContaining(['202', '422']))
    expect(launch?.responses).not.toHaveProperty('200')
    expect(launch?.security).toEqual([{ bearer: [] }])
    expect(paths['/service/']?.['get']?.parameters).toMatchObject([
      { name: 'skip', in: 'query', required: false, schema: { default: 0, minimum: 0 } },
      { name: 'limit', in: 'query', required: false, schema: { default: 10, minimum: 1 } },
    ])
    expect(paths['/service/{id}/status']?.['get']?.responses).toHaveProperty('404')
    expect(Object.keys(paths['/files/upload']?.['post']?.requestBody?.content ?? {})).toEqual(['multipart/form-data'])
    expect(Object.keys(paths['/files/{file_id}']?.['get']?.responses['200']?.content ?? {})).toEqual([
      'application/octet-stream',
    ])
  })
})

test.each(FORMS)('assets are served from here: "%s"', async (form) => {
  const response = await fetch(`${server.url}${form}/docs/assets/swagger-ui.css`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8'])
  expect((await fetch(`${server.url}${form}/docs/assets/constructor`)).status).toBe(404)
})

describe.skipIf(!CHROMIUM)('in a browser', () => {
  const open = browsing(server.url)
  const host = new URL(server.url).host

  test.each(FORMS)('Swagger UI at "%s" shows every operation, asks no other host, breaks no policy', async (form) => {
    const { page, hosts, complaints } = await open(`${form}/docs`, (one) => one.waitForSelector('.opblock'))
    const shown = await page.$$eval('.opblock-summary-path', (nodes) => nodes.map((node) => node.textContent ?? ''))
    expect(shown.map((text) => text.replaceAll('\u200b', '')).sort()).toEqual(operations.map(({ path }) => path).sort())
    expect([...hosts]).toEqual([host])
    expect(complaints).toEqual([])
    await keep(page, 'twins-swagger')
  })

  test.each(FORMS)('ReDoc at "%s" shows every operation, asks no other host, breaks no policy', async (form) => {
    const { page, hosts, complaints } = await open(`${form}/redoc`, (one) => one.waitForSelector('[role=menuitem]'))
    const text = await page.textContent('#redoc')
    for (const { summary } of operations) expect(text).toContain(summary)
    expect([...hosts]).toEqual([host])
    expect(complaints).toEqual([])
    await keep(page, 'twins-redoc')
  })

  test('Swagger UI sends a request to where it came from, with the prefix', async () => {
    const { page } = await open('/docs', (one) => one.waitForSelector('.opblock'))
    const sent = page.waitForRequest((request) => request.url().endsWith('/healthz'))
    await page.click('#operations-root-root-healthz .opblock-summary-control')
    await page.click('.try-out__btn')
    await page.click('.execute')
    expect((await sent).url()).toBe(`${server.url}${PREFIX}/healthz`)
  })
})
