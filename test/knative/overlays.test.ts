import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { renderPingSource } from '../../knative/manifests/status-loop.ts'
import { allRoutes, poRoutes, type Route, routes, type SettingGroup } from '../../shared/routes/index.ts'
import { loadConfig, SETTINGS, type SettingName } from '../../shared/settings/config.ts'
import { fieldFaults, type Manifest } from './fields.ts'
import { build, hasKubectl } from './kustomize.ts'
import { restrictedFaults } from './pod-security.ts'
import { podOf, ROOT, readText } from './read.ts'

const folder = (path: string): string => fileURLToPath(new URL(`knative/config/${path}`, ROOT))
const OVERLAYS = { local: 'po', flame: 'flame', httproute: 'flame', kafka: 'flame' }
const overlays = Object.entries(OVERLAYS)
const IMAGE = 'knative-pod-orchestration'

type Data = Readonly<Record<string, string>>
const named = (objects: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name)
  expect(found, `${kind} ${name}`).toHaveLength(1)
  return found[0] as Manifest
}
const settingsOf = (objects: readonly Manifest[]) => named(objects, 'ConfigMap', 'po-settings')['data'] as Data

/** Names of ConfigMaps that must be there for a pod to start. */
const needed = (object: Manifest): string[] =>
  (podOf(object)?.volumes ?? [])
    .map(({ configMap }) => configMap as { name: string; optional?: boolean } | undefined)
    .flatMap((source) => (source && !source.optional ? [source.name] : []))

test('there is a test for each overlay', () => {
  // That of the twins has a file of its own.
  const known = [...Object.keys(OVERLAYS), 'dt']
  const present = readdirSync(folder('overlays')).filter((name) => !name.startsWith('.'))
  expect(present.toSorted()).toEqual(known.toSorted())
})

describe('the values of an overlay', () => {
  const groupsOf = (routes: readonly Route[]) => [...new Set(routes.flatMap(({ settings }) => settings))]
  const groups: readonly SettingGroup[] = groupsOf(poRoutes)
  const read: readonly string[] = [...groupsOf(allRoutes), 'process']
  /** Settings of analyses; those of digital twins are not required without them. */
  const isNeeded = (name: SettingName) => [...groups, 'process'].includes(SETTINGS[name].group)
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => read.includes(SETTINGS[name].group))

  test.each(['local', 'flame'])('%s: all that are required, none that is secret or unknown', (name) => {
    const given = Object.keys(parseEnv(readText(`knative/config/overlays/${name}/settings.env`)))
    const required = names.filter(
      (one) => isNeeded(one) && SETTINGS[one].default === undefined && !SETTINGS[one].secret,
    )
    expect(required.filter((one) => !given.includes(one))).toEqual([])
    const plain: readonly string[] = names.filter((one) => !SETTINGS[one].secret)
    expect(given.filter((one) => !plain.includes(one))).toEqual([])
  })
  test('of `local` are what a function takes', () => {
    const secrets = Object.keys(parseEnv(readText('knative/config/secrets.env.template'))).map((name) => [name, 'x'])
    const env = { ...parseEnv(readText('knative/config/overlays/local/settings.env')), ...Object.fromEntries(secrets) }
    expect(loadConfig(groups, env).KEYCLOAK_URL).toBe('http://keycloak:8080')
  })
  test('each secret is in the template, and each other setting in the ConfigMap', () => {
    const inTemplate = [...readText('knative/config/secrets.env.template').matchAll(/^#?([A-Z_]+)=/gm)].map(
      ([, name]) => name,
    )
    const inMap = [...readText('knative/config/base/settings.yaml').matchAll(/^ {2}#?([A-Z_]+): '/gm)].map(
      ([, name]) => name,
    )
    expect(inTemplate).toEqual(names.filter((name) => SETTINGS[name].secret))
    expect(inMap.toSorted()).toEqual(names.filter((name) => !SETTINGS[name].secret && name !== 'PORT').toSorted())
  })
})

describe.skipIf(!hasKubectl())('kustomize', () => {
  const built = new Map(overlays.map(([name]) => [name, build(folder(`overlays/${name}`))]))
  const of = (name: string): Manifest[] => built.get(name) ?? []

  test.each(overlays)('makes %s, all of it in namespace %s', (name, namespace) => {
    const objects = of(name)
    const places = objects.filter(({ kind }) => kind !== 'Namespace').map(({ metadata }) => metadata.namespace)
    expect([...new Set(places)]).toEqual([namespace])
    for (const object of objects.filter(({ kind }) => kind === 'RoleBinding'))
      expect(object['subjects']).toEqual([{ kind: 'ServiceAccount', name: object.metadata.name, namespace }])
  })
  test.each(overlays)('makes %s of objects that have only known fields, each once', (name) => {
    const objects = of(name)
    expect(objects.flatMap(fieldFaults)).toEqual([])
    const keys = objects.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)
    expect(new Set(keys).size).toBe(keys.length)
    const functions = objects.filter(({ apiVersion }) => apiVersion.startsWith('serving.knative.dev/'))
    expect(functions.map(({ metadata }) => metadata.name)).toEqual(poRoutes.map((route) => route.name).toSorted())
  })
  test.each(overlays)(
    'makes %s of pods that pass `restricted`, run an image of the site, and find what they mount',
    (name) => {
      const objects = of(name)
      const maps = objects.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)
      for (const object of objects) {
        const pod = podOf(object)
        if (!pod) continue
        expect(restrictedFaults(pod), object.metadata.name).toEqual([])
        const images = [...(pod.initContainers ?? []), ...pod.containers].map(({ image }) => image)
        expect(images).not.toContain(IMAGE)
        expect(images.every((image) => image.includes(`/${IMAGE}:`) || image.startsWith('nginxinc/'))).toBe(true)
        expect(needed(object).filter((each) => !maps.includes(each))).toEqual([])
      }
      expect(objects.flatMap(needed)).toHaveLength(1)
    },
  )
  test.each(overlays)('puts no secret into %s', (name) =>
    expect(of(name).filter(({ kind }) => kind === 'Secret')).toEqual([]),
  )

  test('flame: one Service is the orchestrator, by the name that the node’s hub adapter calls', () => {
    const services = of('flame').filter(({ metadata }) => metadata.labels?.['component'] === 'flame-po')
    expect(services.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([['Service', 'flame-po-service']])
  })
  test('local: one gateway pod, which nothing keeps from being drained', () => {
    expect(named(of('local'), 'Deployment', 'po-gateway')['spec']).toMatchObject({ replicas: 1 })
    expect(of('local').filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([])
  })
  test('httproute: functions by names of the namespace, behind Knative’s gateway; nginx for analyses only', () => {
    const { spec } = named(of('httproute'), 'HTTPRoute', 'po-gateway')
    type Rule = { filters: [{ urlRewrite: { hostname: string } }]; backendRefs: object[] }
    const { rules, parentRefs } = spec as { rules: Rule[]; parentRefs: object[] }
    expect(parentRefs).toHaveLength(1)
    expect(rules.map(({ filters }) => filters[0].urlRewrite.hostname)).toEqual(
      poRoutes.filter(({ trigger }) => trigger === 'http').map(({ name }) => `${name}.flame.svc.cluster.local`),
    )
    const backend = { name: 'kourier-internal', namespace: 'kourier-system', port: 80 }
    for (const { backendRefs } of rules) expect(backendRefs).toEqual([backend])
    const conf = of('httproute').find(
      ({ kind, metadata }) => kind === 'ConfigMap' && /^po-gateway-/.test(metadata.name),
    )
    const data = conf?.['data'] as Data
    expect(data['nginx.conf']).toBe(readText('knative/config/overlays/httproute/nginx.conf'))
    expect(data['configure.mts']).toBe(readText('knative/config/base/gateway/configure.ts'))
    expect(data['names.mts']).toBe(readText('knative/config/base/gateway/names.ts'))
  })
  test('kafka: the broker’s class and its topic; the loop fans out to more pods', () => {
    const objects = of('kafka')
    const broker = named(objects, 'Broker', 'po-events')
    expect(broker.metadata.annotations).toEqual({ 'eventing.knative.dev/broker.class': 'Kafka' })
    const { config } = broker['spec'] as { config: { kind: string; name: string } }
    expect(named(objects, config.kind, config.name)['data']).toHaveProperty(['bootstrap.servers'])
    expect(settingsOf(objects)).toMatchObject({ FANOUT: 'events' })
    expect(settingsOf(of('flame'))).not.toHaveProperty('FANOUT')
    const loop = named(objects, 'Service', routes.po.statusReconcile.name)
    expect(loop['spec']).toMatchObject({
      template: { metadata: { annotations: { 'autoscaling.knative.dev/max-scale': '10' } } },
    })
    named(objects, 'Service', 'po-dead-letters')
  })

  test('another networking layer is let in as the overlay of a node says in its comments', () => {
    const site = mkdtempSync(join(tmpdir(), 'site-'))
    const [, comments = ''] = readText('knative/config/overlays/flame/kustomization.yaml').split('For another one:\n')
    const patches = `patches:\n${comments.replace(/^( *)# /gm, '$1')}`
    writeFileSync(join(site, 'kustomization.yaml'), `resources: [${relative(site, folder('base'))}]\n${patches}`)
    const objects = build(site)
    rmSync(site, { recursive: true })
    const open = objects.filter((object) => JSON.stringify(object).includes('"my-ingress"'))
    expect(open.map(({ metadata }) => metadata.name)).toEqual(['po-functions', 'po-gateway'])
    expect(open.flatMap(fieldFaults)).toEqual([])
  })

  test('an overlay sets an interval of its own by one number', () => {
    const site = mkdtempSync(join(tmpdir(), 'site-'))
    const interval = 'STATUS_LOOP_INTERVAL=45\n'
    writeFileSync(join(site, 'interval.env'), interval)
    writeFileSync(join(site, 'ping-source.yaml'), renderPingSource(interval))
    const generator =
      '{name: po-settings, behavior: merge, envs: [interval.env], options: {disableNameSuffixHash: true}}'
    writeFileSync(
      join(site, 'kustomization.yaml'),
      `resources: [${relative(site, folder('overlays/flame'))}]\nconfigMapGenerator: [${generator}]\npatches: [{path: ping-source.yaml}]\n`,
    )
    const objects = build(site)
    rmSync(site, { recursive: true })
    expect(named(objects, 'PingSource', 'po-status-loop')['spec']).toMatchObject({
      schedule: '*/15 * * * * *',
      data: '{"intervalSeconds":45}',
    })
    expect(settingsOf(objects)['STATUS_LOOP_INTERVAL']).toBe('45')
  })
})

describe.skipIf(!hasKubectl())('the image of nginx', () => {
  test('of all gateways is the one that proxies have by default', () => {
    for (const path of ['base/gateway', 'components/dt/runs'])
      expect(readText(`knative/config/${path}/deployment.yaml`)).toContain(`image: ${SETTINGS.NGINX_IMAGE.default}\n`)
  })

  test('is changed everywhere by one entry of an overlay', () => {
    const made = mkdtempSync(join(tmpdir(), 'site-'))
    try {
      const images = [{ name: 'nginxinc/nginx-unprivileged', newName: 'mirror.example/nginx', newTag: '1.29.9' }]
      const resources = [relative(made, folder('base'))]
      const components = [relative(made, folder('components/dt'))]
      writeFileSync(join(made, 'kustomization.yaml'), JSON.stringify({ resources, components, images }))
      const objects = build(made)
      const image = 'mirror.example/nginx:1.29.9'
      expect(settingsOf(objects)['NGINX_IMAGE']).toBe(image)
      for (const name of ['po-gateway', 'dt-runs']) {
        const containers = podOf(named(objects, 'Deployment', name))?.containers ?? []
        expect(containers.find((container) => container.name === 'nginx')).toMatchObject({ image })
      }
    } finally {
      rmSync(made, { recursive: true })
    }
  })
})
