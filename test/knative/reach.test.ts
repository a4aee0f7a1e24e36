import { describe, expect, test } from 'vitest'
import { policies } from '../../knative/manifests/policies.ts'
import { choosePeers } from '../../shared/adapters/kubernetes/po/peers.ts'
import { COMPONENT, LABEL } from '../../shared/dt/names.ts'
import { objectsOwnedByPolicy, standingPolicy } from '../../shared/po/objects/index.ts'
import { poRoutes, routes } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'
import { RUN } from '../shared/po/objects/input.ts'
import type { Manifest } from './fields.ts'
import { ksvc } from './function-manifest.ts'
import { manifestFiles, only, parseManifests, podOf, readText } from './read.ts'

const objects = manifestFiles().flatMap(([, found]) => found)

describe('network policies', () => {
  type Labels = Readonly<Record<string, string>>
  const gateway = only('knative/config/base/gateway/deployment.yaml')
  const [service] = parseManifests(readText('knative/config/base/gateway/service.yaml')) as [Manifest, ...Manifest[]]
  const podLabels = (gateway['spec'] as { template: { metadata: { labels: Labels } } }).template.metadata.labels
  const selects = (selector: Labels, labels: Labels) =>
    Object.entries(selector).every(([key, value]) => labels[key] === value)

  test('the standing policy of analyses is part of the installation, as `create` makes it', () => {
    const installed = parseManifests(readText('knative/config/base/policies.yaml'))
    expect(installed[0]).toEqual(structuredClone(standingPolicy()))
    expect(installed).toEqual(structuredClone(policies()))
  })
  test('each policy of ours selects pods that there are', () => {
    const runsGateway = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'dt-runs')?.[
      'spec'
    ]
    const { template } = runsGateway as { template: { metadata: { labels: Labels } } }
    const dt = Object.values(COMPONENT).map((component) => ({ [LABEL.component]: component }))
    const pods = [podLabels, template.metadata.labels, ...dt, ...poRoutes.map((route) => ksvc(route).metadata.labels)]
    const job = objects.find(({ kind }) => kind === 'Job')?.['spec'] as { template: { metadata: { labels: Labels } } }
    for (const { metadata, spec } of objects.filter(({ kind }) => kind === 'NetworkPolicy')) {
      const { matchLabels } = (spec as { podSelector: { matchLabels?: Labels } }).podSelector
      if (!matchLabels) continue
      const selected = [...pods, job.template.metadata.labels].filter((labels) => selects(matchLabels, labels))
      expect(selected.length, metadata.name).toBeGreaterThan(0)
    }
  })
  test('the loop is let in by the proxies of analyses, and the gateway is not', () => {
    const [proxyPolicy] = objectsOwnedByPolicy(RUN, 'uid')
    type Peer = { readonly podSelector: { readonly matchLabels: Labels } }
    const { ingress } = proxyPolicy['spec'] as { ingress: readonly { from: readonly Peer[] }[] }
    const lets = (labels: Labels) =>
      ingress.some(({ from }) => from.some(({ podSelector }) => selects(podSelector.matchLabels, labels)))
    const callers = poRoutes.filter((route) => lets(ksvc(route).metadata.labels))
    expect(callers.map(({ name }) => name)).toEqual([routes.po.statusReconcile.name])
    expect(lets(podLabels)).toBe(false)
  })
  test('the gateway is what analyses find as the orchestrator, and their proxies may reach its pods', () => {
    const { selector } = service['spec'] as { selector: Labels }
    expect(selects(selector, podLabels)).toBe(true)
    // Knative makes Services of its own for a revision, with the labels of its pods.
    const revision = `${routes.po.statusReconcile.name}-00001-private`
    const { labels } = ksvc(routes.po.statusReconcile).metadata
    const made = { metadata: { name: revision, labels }, spec: { selector: { revision }, ports: [{ port: 80 }] } }
    const { orchestrator } = choosePeers([made, service] as Parameters<typeof choosePeers>[0])
    expect(orchestrator).toEqual({ name: 'po-service', port: 8000, targetPort: 8080, selector })
  })
  test('it waits longer than any function may take, when it asks and when it ends', () => {
    const longest = Math.max(
      ...poRoutes.filter(({ trigger }) => trigger === 'http').map(({ scale }) => scale.timeoutSeconds),
    )
    const [, read] = /proxy_read_timeout (\d+)s;/.exec(readText('knative/config/base/gateway/nginx.conf')) ?? []
    expect(Number(read)).toBeGreaterThan(longest)
    const { terminationGracePeriodSeconds } = podOf(gateway) as { terminationGracePeriodSeconds?: number }
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(read))
  })
  test('its nginx is the one that proxies of analyses run by default', () => {
    const images = podOf(gateway)?.containers.map(({ image }) => image)
    expect(images).toEqual([SETTINGS.NGINX_IMAGE.default])
  })
})
