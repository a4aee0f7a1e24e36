/** The digital-twin part of the manifests: beside a node, and alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { callerRoutes, dtPolicies, dtSources, runRoutes } from '../../knative/manifests/dt.ts'
import { gatewayConf } from '../../knative/manifests/gateway-conf.ts'
import { COMPONENT, LABEL } from '../../shared/dt/names.ts'
import { RUNS_LISTENER } from '../../shared/dt/objects/index.ts'
import { dtRoutes, poRoutes, prefixOf, type Route, routes } from '../../shared/routes/index.ts'
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'
import { fieldFaults, type Manifest } from './fields.ts'
import { build, hasKubectl } from './kustomize.ts'
import { restrictedFaults } from './pod-security.ts'
import { podOf, ROOT, readText } from './read.ts'

const knative = fileURLToPath(new URL('knative/config', ROOT))
const names = (objects: readonly Manifest[], kind: string) =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name)
const functionsOf = (objects: readonly Manifest[]) =>
  names(
    objects.filter(({ apiVersion }) => apiVersion.startsWith('serving.knative.dev/')),
    'Service',
  )

/** The function that a gateway's configuration routes a request to. */
function ownerIn(conf: string): (method: string, path: string) => string | undefined {
  const lines = [...conf.matchAll(/"~(\^(?:\(\?:)?[A-Z][^"]+)" ([\w-]+);/g)].map(([, pattern = '', name]) => ({
    pattern: new RegExp(pattern.replaceAll('\\z', '$')),
    name,
  }))
  return (method, path) => lines.find(({ pattern }) => pattern.test(`${method} ${path}`))?.name
}

const filled = (path: string) => path.replace(/\{\w+\+\}/g, 'a/b').replace(/\{\w+\}/g, '669a4eee364a1b751c550b02')
const ways = (routes: readonly Route[]) =>
  routes
    .filter(({ trigger }) => trigger === 'http')
    .flatMap((route) => route.endpoints.map(({ method, path }) => [method, filled(path), route] as const))

describe('the gateway', () => {
  const owner = ownerIn(gatewayConf([...poRoutes, ...callerRoutes]))
  test.each(ways(callerRoutes))('leads %s %s to its function, behind the prefix and without', (method, path, route) => {
    for (const before of ['', prefixOf(route, 'v1alpha1'), prefixOf(route, 'v2')])
      expect(owner(method, `${before}${path}`)).toBe(route.name)
  })
  test.each(ways(runRoutes))('does not lead %s %s, which is for runs, anywhere', (method, path) => {
    expect(owner(method, path)).toBeUndefined()
  })
  test('of runs leads to nothing but what takes the token of a service', () => {
    const ofRuns = ownerIn(gatewayConf(runRoutes))
    for (const [method, path, route] of ways(runRoutes)) expect(ofRuns(method, path)).toBe(route.name)
    for (const [method, path] of ways([...callerRoutes, ...poRoutes])) expect(ofRuns(method, path)).toBeUndefined()
  })
  test('leaves the size of files to the functions that take them', () => {
    const limit = (routes: readonly Route[]) => /client_max_body_size (\d+);/.exec(gatewayConf(routes))?.[1]
    expect(limit([routes.po.create])).toBe('1048576')
    expect(limit(poRoutes)).toBe('16777216')
    const taker: Route = { ...(dtRoutes[0] as Route), body: 'stream' }
    expect(limit([taker])).toBe('0')
  })
})

describe('policies', () => {
  const [, , , runsGateway] = dtPolicies()
  test('let only runs and persistent services reach their gateway, on its port', () => {
    expect((runsGateway?.['spec'] as { ingress?: unknown } | undefined)?.ingress).toEqual([
      {
        from: [
          {
            podSelector: {
              matchExpressions: [{ key: LABEL.component, operator: 'In', values: [COMPONENT.run, COMPONENT.server] }],
            },
          },
        ],
        ports: [{ protocol: 'TCP', port: RUNS_LISTENER.port }],
      },
    ])
  })
  test('deny everything to runs before anything is allowed', () => {
    const [standing] = dtPolicies()
    expect(standing?.['spec']).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
    expect(standing?.['spec']).not.toHaveProperty('egress')
  })
})

test('what ticks the loop is there when the loop is', () => {
  const hasLoop = dtRoutes.some(({ trigger }) => trigger === 'event')
  expect(dtSources(10).map(({ kind }) => kind)).toEqual(
    hasLoop ? ['PingSource', 'ServiceAccount', 'Role', 'RoleBinding', 'ApiServerSource'] : [],
  )
})

test('the overlay names all settings that are required, and none that is secret or unknown', () => {
  const given = Object.keys(parseEnv(readText('knative/config/overlays/dt/settings.env'))) as SettingName[]
  for (const name of given) expect(SETTINGS[name]?.secret, name).toBe(false)
  const groups: readonly string[] = dtRoutes.flatMap(({ settings }) => settings)
  const isRequired = (name: SettingName) => SETTINGS[name].default === undefined && !SETTINGS[name].secret
  const wanted = (Object.keys(SETTINGS) as SettingName[]).filter(
    (name) => isRequired(name) && groups.includes(SETTINGS[name].group),
  )
  expect(wanted.filter((name) => !given.includes(name))).toEqual([])
})

describe.skipIf(!hasKubectl())('kustomize', () => {
  const folder = mkdtempSync(join(knative, 'overlays', '.both-'))
  writeFileSync(
    join(folder, 'kustomization.yaml'),
    `namespace: both\nresources: [../../base]\ncomponents: [${relative(folder, join(knative, 'components/dt'))}]\n`,
  )
  const alone = build(join(knative, 'overlays/dt'))
  const both = build(folder)
  rmSync(folder, { recursive: true })

  test('makes the functions of the twins alone, or of both', () => {
    const dt = dtRoutes.map(({ name }) => name)
    expect(functionsOf(alone)).toEqual(dt.toSorted())
    expect(functionsOf(both)).toEqual([...dt, ...poRoutes.map(({ name }) => name)].toSorted())
  })
  test('alone, nothing of analyses is left', () => {
    const po = poRoutes.map(({ name }) => name)
    for (const kind of ['ServiceAccount', 'Role', 'RoleBinding', 'PingSource'])
      expect(names(alone, kind).filter((name) => [...po, 'po-status-loop'].includes(name))).toEqual([])
    expect(names(alone, 'NetworkPolicy').filter((name) => name.startsWith('flame-'))).toEqual([])
    expect(names(alone, 'Service')).not.toContain('po-service')
  })
  test.each([
    ['alone', alone],
    ['both', both],
  ])('%s: clients and runs find their Services; all fields are known, our own pods restricted', (_, objects) => {
    const service = (name: string) =>
      objects.find((one) => one.kind === 'Service' && one.apiVersion === 'v1' && one.metadata.name === name)?.spec
    expect(service('orchestrator-api-svc')).toMatchObject({ ports: [{ port: 80, targetPort: 8080 }] })
    expect(service('dt-runs')).toMatchObject({ ports: [{ port: 80, targetPort: RUNS_LISTENER.port }] })
    const runsGateway = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'dt-runs')
    expect(runsGateway?.spec).toMatchObject({ template: { metadata: { labels: RUNS_LISTENER.labels } } })
    expect(objects.flatMap(fieldFaults)).toEqual([])
    for (const object of objects) {
      const pod = podOf(object)
      if (pod) expect(restrictedFaults(pod), object.metadata.name).toEqual([])
    }
    const keys = objects.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)
    expect(new Set(keys).size).toBe(keys.length)
  })
})
