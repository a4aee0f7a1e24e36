import { CoreV1Api, KubeConfig, KubernetesObjectApi, VersionApi, Watch } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SandboxTarget, sandboxTarget } from '../../shared/adapters/kubernetes/targets.ts'

let target: SandboxTarget
let config: KubeConfig
beforeAll(async () => {
  target = await sandboxTarget({ startPods: false })
  config = new KubeConfig()
  config.loadFromFile(target.kubeconfig)
})
afterAll(() => target?.stop())

test.each([
  ['no token', {}],
  ['another token', { authorization: 'Bearer other' }],
  ['another scheme', { authorization: 'Basic eDp5' }],
])('%s is refused with 401, for anything but health', async (_, headers) => {
  const { url } = target.kubernetes
  const answer = await fetch(`${url}/api/v1/namespaces/flame/secrets`, { headers })
  expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([401, 'Unauthorized'])
  expect((await fetch(`${url}/version`, { headers })).status).toBe(401)
  expect((await fetch(`${url}/readyz`, { headers })).status).toBe(200)
})

test('a request that the options break gets that answer', async () => {
  const other = await sandboxTarget({
    startPods: false,
    onRequest: (method) => {
      if (method === 'DELETE') throw new Error('broken')
    },
  })
  await expect(other.cluster.remove('Secret', 'x')).rejects.toMatchObject({ code: 'unavailable' })
  expect(await other.cluster.find('Secret', 'x')).toBeUndefined()
  await other.stop()
})

describe("the JavaScript client's own calls", () => {
  test('version, discovery, and objects of any kind', async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).major).toBe('1')
    const api = KubernetesObjectApi.makeApiClient(config)
    const metadata = { name: 'any', namespace: 'flame' }
    await api.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: SPEC } as never)
    expect(await api.read({ apiVersion: 'apps/v1', kind: 'Deployment', metadata })).toMatchObject({
      spec: { replicas: 1 },
    })
    await api.delete({ apiVersion: 'apps/v1', kind: 'Deployment', metadata })
    await expect(api.read({ apiVersion: 'apps/v1', kind: 'Deployment', metadata })).rejects.toMatchObject({ code: 404 })
  })

  test('namespaces, lists and a watch', async () => {
    const core = config.makeApiClient(CoreV1Api)
    await core.createNamespace({ body: { metadata: { name: 'other' } } })
    await core.createNamespacedConfigMap({ namespace: 'other', body: { metadata: { name: 'a' }, data: { x: '1' } } })
    expect((await core.listConfigMapForAllNamespaces()).items.map(({ metadata }) => metadata?.namespace)).toContain(
      'other',
    )
    const names: string[] = []
    const watch = await new Watch(config).watch(
      '/api/v1/namespaces/other/configmaps',
      {},
      (type, object) => names.push(`${type} ${object.metadata.name}`),
      () => undefined,
    )
    await core.createNamespacedConfigMap({ namespace: 'other', body: { metadata: { name: 'b' } } })
    await core.deleteNamespace({ name: 'other' })
    await expect.poll(() => names).toEqual(['ADDED a', 'ADDED b', 'DELETED a', 'DELETED b'])
    watch.abort()
  })
})

const SPEC = {
  selector: { matchLabels: { app: 'any' } },
  template: { metadata: { labels: { app: 'any' } }, spec: { containers: [{ name: 'main', image: 'x:1' }] } },
}
