import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { CoreV1Api, KubeConfig, KubernetesObjectApi, VersionApi, Watch } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SandboxTarget, sandboxTarget } from '../../shared/adapters/kubernetes/targets.ts'
import type { Image } from './container.ts'

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
  await expect(other.cluster.remove('ConfigMap', 'x')).rejects.toMatchObject({ code: 'unavailable' })
  expect(await other.cluster.find('ConfigMap', 'x')).toBeUndefined()
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

const KUBECTL = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
if (!KUBECTL) process.stderr.write('NOT TESTED: kubectl on the sandbox. There is no kubectl on the PATH.\n')

describe.skipIf(!KUBECTL && !process.env['CI'])('kubectl, over TLS', () => {
  let secure: SandboxTarget
  beforeAll(async () => {
    const shell: Image = ({ command: [command = '', ...args] }) => ({ command, args })
    secure = await sandboxTarget({ secure: true, images: { 'x:1': shell } })
  })
  afterAll(() => secure?.stop())
  const kubectl = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, KUBECONFIG: secure.kubeconfig }
    return (await promisify(execFile)('kubectl', args, { env, timeout: 20_000 })).stdout
  }

  test('apply, rollout, get, logs and delete', async () => {
    const containers = [{ name: 'main', image: 'x:1', command: ['sh', '-c', 'echo hello; exec sleep 300'] }]
    const spec = { ...SPEC, template: { ...SPEC.template, spec: { containers } } }
    const file = `${secure.kubeconfig}.deployment`
    await writeFile(
      file,
      JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec }),
    )
    expect(await kubectl('apply', '-f', file)).toBe('deployment.apps/web created\n')
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', file)).toContain('serverside-applied')
    expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=10s')).toContain('successfully rolled out')
    expect(await kubectl('get', 'all', '-o', 'name')).toMatch(
      /^pod\/web-\S+\ndeployment.apps\/web\nreplicaset.apps\/web-\S+\n$/,
    )
    expect(await kubectl('logs', 'deployment/web')).toBe('hello\n')
    expect(await kubectl('delete', 'deployment', 'web', '--cascade=foreground')).toContain('deleted')
    expect(await kubectl('get', 'all', '-o', 'name')).toBe('')
  })
})

test('over TLS, a client without our certificate gets nowhere', async () => {
  const secure = await sandboxTarget({ secure: true, startPods: false })
  expect(await secure.cluster.find('ConfigMap', 'x')).toBeUndefined()
  await expect(fetch(`${secure.kubernetes.url}/readyz`)).rejects.toThrow('fetch failed')
  await secure.stop()
})

const SPEC = {
  selector: { matchLabels: { app: 'any' } },
  template: { metadata: { labels: { app: 'any' } }, spec: { containers: [{ name: 'main', image: 'x:1' }] } },
}
