import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createMatcher } from '../../../shared/http/match.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { allRoutes, functionFolder, poRoutes, type Route, routes } from '../../../shared/routes/index.ts'
import { SETTINGS } from '../../../shared/settings/config.ts'

const folder = (route: Route) => new URL(`../../../functions/${functionFolder(route)}/index.ts`, import.meta.url)
const named = allRoutes.map((route) => [route.name, route] as const)

describe('the route table', () => {
  test('names each function once, by a name that Kubernetes takes', () => {
    const names = allRoutes.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]{0,51}[a-z0-9]$/)
  })

  test.each(Object.keys(routes))('and the tree hold the same functions of %s', (part) => {
    const inTree = readdirSync(new URL(`../../../functions/${part}/`, import.meta.url)).map((name) => `${part}/${name}`)
    const inTable = allRoutes.map(functionFolder).filter((path) => path.startsWith(`${part}/`))
    expect(inTable.sort()).toEqual(inTree.sort())
  })

  test.each(named)('%s has a folder of its own', (_, route) => {
    expect(existsSync(folder(route))).toBe(true)
  })

  test('gives each method and path to one function only', () => {
    const http = allRoutes.filter(({ trigger }) => trigger === 'http')
    for (const { method, path } of http.flatMap(({ endpoints }) => endpoints)) {
      const example = path.replace(/\{\w+\+?\}/g, 'x')
      const owners = http.filter(({ endpoints }) => createMatcher(endpoints)(method, example).match)
      expect(owners, `${method} ${path}`).toHaveLength(1)
    }
  })

  test.each(named)('%s reads groups of settings that exist', (_, { settings, auth }) => {
    const groups = new Set<string>(Object.values(SETTINGS).map(({ group }) => group))
    for (const group of settings) expect(groups).toContain(group)
    if (auth === 'service') expect(settings).toContain('tokens')
    else if (auth !== 'none') expect(settings).toContain('auth')
    if (auth === 'dt') expect(settings).toContain('dt')
  })

  test.each(poRoutes.map((route) => [route.name, route] as const))(
    '%s reads the namespace of analyses if it talks to Kubernetes',
    (_, { settings, kubernetes }) => expect(settings.includes('runs')).toBe(kubernetes.length > 0),
  )

  test.each(named)('%s has time to drain: at least 45 s', (_, { scale }) => {
    expect(scale.timeoutSeconds).toBeGreaterThanOrEqual(45)
    expect(scale.max).toBeGreaterThanOrEqual(Math.max(1, scale.min))
  })

  test('asks everybody but health, docs and events for a token', () => {
    const open = allRoutes.filter(({ auth }) => auth === 'none').map(({ name }) => name)
    expect(open.sort()).toEqual([
      'dt-docs',
      'dt-healthz',
      'dt-reconcile',
      'po-docs',
      'po-healthz',
      'po-status-reconcile',
    ])
  })

  test('lets only the log line through for analyses', () => {
    expect(allRoutes.filter(({ auth }) => auth === 'analysis')).toEqual([routes.po.streamLogs])
  })

  test('has schemas for each function, with a sentence for each of its endpoints', () => {
    for (const [key, { failures }] of Object.entries(poSchemas))
      expect(failures, key).toHaveLength(routes.po[key as keyof typeof poSchemas].endpoints.length)
  })
})

describe('a prefix', () => {
  const find = createMatcher([{ method: 'GET', path: '/files/{file_id}', summary: '' }], '/api/v1.0')
  test.each(['/files/a', '/files/a/', '/api/v1.0/files/a', '/api/v1.0/files/a/'])('%s is found', (path) =>
    expect(find('GET', path).match).toEqual({ index: 0, params: { file_id: 'a' } }),
  )
  test.each(['/api/v1x0/files/a', '/api/files/a', '/api/v1.0files/a', '/api/v1.0/api/v1.0/files/a'])(
    '%s is not',
    (path) => expect(find('GET', path).methods).toEqual([]),
  )
})

describe('the rest of a path', () => {
  const find = createMatcher([{ method: 'PUT', path: '/files/{id}/{path+}', summary: '' }])
  test.each([
    ['/files/a/b', { id: 'a', path: 'b' }],
    ['/files/a/b/c.json/', { id: 'a', path: 'b/c.json' }],
    ['/files/a/b%20c/%2e', { id: 'a', path: 'b c/.' }],
  ])('%s', (path, params) => expect(find('PUT', path).match?.params).toEqual(params))
  test.each(['/files/a', '/files/a/', '/files//b'])('%s has none', (path) =>
    expect(find('PUT', path).match).toBeUndefined(),
  )
})

describe('matching', () => {
  const find = createMatcher([
    { method: 'GET', path: '/po/status', summary: '' },
    { method: 'GET', path: '/po/status/{analysis_id}', summary: '' },
    { method: 'PUT', path: '/po/status', summary: '' },
  ])
  test.each([
    ['GET', '/po/status', 0, {}],
    ['GET', '/po/status/', 0, {}],
    ['PUT', '/po/status', 2, {}],
    ['GET', '/po/status/a', 1, { analysis_id: 'a' }],
    ['GET', '/po/status/a/', 1, { analysis_id: 'a' }],
    ['GET', '/po/status/a%20b', 1, { analysis_id: 'a b' }],
    ['GET', '/po/status/%ff', 1, { analysis_id: '%ff' }],
    ['GET', '/po/status/a%2Fb', 1, { analysis_id: 'a/b' }],
  ])('%s %s hits endpoint %i', (method, path, index, params) => {
    expect(find(method, path).match).toEqual({ index, params })
  })

  test.each([
    ['GET', '/po/status//', []],
    ['GET', '/po/statusx', []],
    ['GET', '/po/status/a/b', []],
    ['GET', '//po/status', []],
    ['GET', '/PO/status', []],
    ['GET', '/', []],
    ['DELETE', '/po/status', ['GET', 'PUT']],
    ['PUT', '/po/status/a', ['GET']],
  ])('%s %s hits nothing; the path answers %j', (method, path, methods) => {
    expect(find(method, path)).toEqual({ match: undefined, methods })
  })
})
