import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { gatewayConf } from '../../knative/manifests/gateway-conf.ts'
import { httpRoute } from '../../knative/manifests/http-route.ts'
import { createMatcher } from '../../shared/http/match.ts'
import { poRoutes, type Route, routes } from '../../shared/routes/index.ts'
import { ROOT, readText } from './read.ts'
import { httpRoutes, ID, slashForms, ways } from './ways.ts'

/** The function that the map of nginx.conf names, by its own patterns. */
function ownerIn(conf: string): (method: string, path: string) => string | undefined {
  const [, map = ''] = /\$function \{\n([\s\S]*?)\n {2}\}/.exec(conf) ?? []
  const lines = [...map.matchAll(/^ *"~(.+)" ([\w-]+);$/gm)].map(([, pattern = '', name = '']) => ({
    pattern: new RegExp(pattern.replaceAll('\\z', '(?![^])')),
    name,
  }))
  return (method, path) => lines.find(({ pattern }) => pattern.test(`${method} ${path}`))?.name
}

describe('the table in nginx.conf', () => {
  const owner = ownerIn(gatewayConf(poRoutes))
  const matchers = httpRoutes.map((route) => ({ route, find: createMatcher(route.endpoints) }))
  const byMatcher = (method: string, path: string): Route | undefined =>
    matchers.find(({ find }) => find(method, path).match)?.route

  test.each(ways)(
    '%s %s leads to its function, in both slash forms, with a query or without',
    (method, path, route) => {
      for (const form of slashForms(path)) {
        expect(owner(method, form)).toBe(route.name)
        expect(owner(method, `${form}?q=1`)).toBe(route.name)
        expect(owner('OPTIONS', form)).toBe(route.name)
      }
    },
  )
  test('leads nowhere else: for each method and path, what the functions themselves would match', () => {
    const segments = [
      '',
      'po',
      'api',
      'v1',
      'status',
      'stop',
      'stream_logs',
      'openapi.json',
      'openapi_json',
      ID,
      '%2e',
      'healthz',
    ]
    const paths = segments.flatMap((a) =>
      segments.flatMap((b) => ['', ...segments].map((c) => `/${a}/${b}${c && `/${c}`}`)),
    )
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'])
      for (const path of paths)
        expect([method, path, owner(method, path)]).toEqual([method, path, byMatcher(method, path)?.name])
  })
  test('names no function of events', () => {
    const names = new Set([...gatewayConf(poRoutes).matchAll(/" (po-[\w-]+);/g)].map(([, name]) => name))
    expect([...names].toSorted()).toEqual(httpRoutes.map(({ name }) => name).toSorted())
  })
  test.each(['/po/{id}; return 200', '/po/"', '/po/$x', 'po', '/po//x', '/po/{a}{b}', '/po\n'])(
    'refuses %j as a path',
    (path) => {
      const [endpoint] = routes.po.create.endpoints
      const route: Route = { ...routes.po.create, endpoints: [{ ...endpoint, path }] }
      expect(() => gatewayConf([route])).toThrow('no path template')
    },
  )
  test('of what analyses may call holds that one path', () => {
    const conf = readText('knative/config/overlays/httproute/nginx.conf')
    expect(ways.filter(([method, path]) => ownerIn(conf)(method, path)).map(([, path]) => path)).toEqual([
      '/po/stream_logs',
    ])
  })
})

describe('the HTTPRoute', () => {
  interface Rule {
    readonly matches: readonly { readonly path: { readonly type: string; readonly value: string } }[]
    readonly filters: readonly { readonly urlRewrite: { readonly hostname: string } }[]
  }
  const { rules } = httpRoute(poRoutes)['spec'] as { rules: readonly Rule[] }
  const covers =
    (path: string) =>
    ({ type, value }: Rule['matches'][number]['path']) =>
      type === 'Exact' ? path === value : path === value || path.startsWith(`${value}/`)
  /** Exact matches win, then the longest prefix. */
  const owner = (path: string): string | undefined => {
    const hits = rules.flatMap(({ matches, filters }) =>
      matches.filter((match) => covers(path)(match.path)).map((match) => ({ ...match.path, filters })),
    )
    const rank = ({ type, value }: (typeof hits)[number]) => (type === 'Exact' ? 1e6 : 0) + value.length
    return hits.toSorted((a, b) => rank(b) - rank(a))[0]?.filters[0]?.urlRewrite.hostname.split('.')[0]
  }

  test.each(ways)('leads %s %s to its function, in both slash forms', (_, path, route) => {
    for (const form of slashForms(path)) expect(owner(form)).toBe(route.name)
  })
  test.each(['/', '/po/nothing', '/po/statuses', '/api', '/api/v1', '/health/readiness'])('leads %s nowhere', (path) =>
    expect(owner(path)).toBeUndefined(),
  )
  test('refuses a table that does not fit, or in which two functions share a path', () => {
    const many = Array.from({ length: 17 }, (_, index) => ({
      ...routes.po.status,
      endpoints: [{ method: 'GET', path: `/p${index}`, summary: '' }],
    })) as Route[]
    expect(() => httpRoute(many)).toThrow('too large')
    expect(() => httpRoute([routes.po.status, routes.po.status])).toThrow('share a path')
  })
})

describe('what the pod fills in', () => {
  const fill = (resolvConf: string) => {
    const directory = mkdtempSync(join(tmpdir(), 'configure-'))
    const [resolv, result] = [join(directory, 'resolv.conf'), join(directory, 'nginx.conf')]
    writeFileSync(resolv, resolvConf)
    // As in the pod: under this name, and with no package.json beside it.
    const script = join(directory, 'configure.mts')
    writeFileSync(script, readText('knative/config/base/gateway/configure.ts'))
    const template = fileURLToPath(new URL('knative/config/base/gateway/nginx.conf', ROOT))
    const { status, stderr } = spawnSync(process.execPath, [script, template, result, resolv], { encoding: 'utf8' })
    const conf = status === 0 ? readFileSync(result, 'utf8') : ''
    rmSync(directory, { recursive: true })
    return { stderr, conf }
  }
  test.each([
    [
      'nameserver 10.96.0.10\nsearch flame.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
      '8080',
      'flame.svc.cluster.local',
    ],
    [
      'search n-1.svc.corp.example svc.corp.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n',
      '8080',
      'n-1.svc.corp.example',
    ],
    [
      'search example.org flame.svc.cluster.local. cluster.local\nnameserver fd00::a\n',
      '[::]:8080 ipv6only=off',
      'flame.svc.cluster.local',
    ],
  ])('is read from resolv.conf: %j', (resolvConf, listen, suffix) => {
    const { conf, stderr } = fill(resolvConf)
    expect(stderr).toBe('')
    expect(conf).toContain('resolver 127.0.0.1:5353 valid=')
    expect(conf).toContain(`listen ${listen};`)
    expect(conf).toContain(`proxy_set_header Host $function.${suffix};`)
    expect(conf).not.toMatch(/@[A-Z0-9]+@/)
  })
  test.each(['', 'nameserver 10.0.0.2\n', 'nameserver 10.0.0.2\nsearch example.org\n', 'search a.svc.b\n'])(
    'fails loudly outside of a cluster: %j',
    (resolvConf) => expect(fill(resolvConf).stderr).toContain('not that of a pod of a cluster'),
  )
})
