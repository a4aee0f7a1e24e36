import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiServerProxy, connectApi, createPoCluster } from '../../../shared/adapters/kubernetes/po/index.ts'
import { createHttpClient, type HttpRequest } from '../../../shared/platform/http-client.ts'
import { type SandboxTarget, sandboxTarget } from '../../shared/adapters/kubernetes/targets.ts'
import type { Image, ImageContext } from './container.ts'

/** A process whose parent ended before it may wait for ever to be reaped: that one has ended, too. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const PATIENCE = { timeout: 10_000, interval: 25 }

/** Answers what it was given; `/slow` streams; `/sick` makes the next liveness probes fail. */
const SERVER = `
  const http = require('node:http')
  let sick = false
  const server = http.createServer((request, response) => {
    if (request.url === '/live') return response.writeHead(sick ? 500 : 200).end()
    if (request.url === '/sick') sick = true
    if (request.url === '/slow') { response.write('one '); return setTimeout(() => response.end('two'), 300) }
    let body = ''
    request.on('data', (chunk) => (body += chunk)).on('end', () => response.writeHead(201, { 'x-own': 'yes' }).end(JSON.stringify({
      method: request.method, url: request.url, body, token: process.env.TOKEN, auth: request.headers.authorization ?? null,
      inherited: process.env.SECRET_OF_THE_TEST ?? null, added: process.env.ADDED, where: process.env.WHERE })))
  })
  setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening')), 100)
`

let seen: ImageContext | undefined
const images: Record<string, Image> = {
  'server:1': (context) => {
    seen = context
    return { command: process.execPath, args: ['-e', SERVER], env: { ADDED: context.container } }
  },
  'late:1': async ({ command: [command = '', ...args] }) => {
    await sleep(20)
    return { command, args }
  },
  'broken:1': () => {
    throw new Error('no such program here')
  },
}

let target: SandboxTarget
beforeAll(async () => {
  process.env['SECRET_OF_THE_TEST'] = 'leaked'
  target = await sandboxTarget({ images, backoffMs: 30, maxGraceMs: 400 })
})
afterAll(() => target?.stop())

const objects = {
  secret: (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData: data,
  }),
  map: (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data,
  }),
  service: (name: string, app: string, ports: object[]) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app }, ports },
  }),
  deployment: (name: string, container: object, pod: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { ...pod, containers: [{ name: 'main', image: 'server:1', ...container }] },
      },
    },
  }),
}

const apply = (object: Parameters<typeof target.cluster.apply>[0]) => target.cluster.apply(object)
const podOf = async (app: string) => (await target.cluster.pods({ app }))[0]
const isReady = (app: string) => expect.poll(async () => (await podOf(app))?.ready, PATIENCE).toBe(true)

describe('a container', () => {
  test('gets its environment, files, port and command as the pod says, and nothing of ours', async () => {
    await apply(objects.secret('inputs', { token: 't0ken', 'a.pem': 'PEM' }))
    await apply(objects.map('settings', { 'nginx.conf': 'server {}', other: 'x' }))
    await apply(
      objects.deployment(
        'inputs',
        {
          args: ['--fast'],
          env: [
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'inputs', key: 'token' } } },
            { name: 'WHERE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          ],
          ports: [{ name: 'web', containerPort: 8000 }],
          volumeMounts: [
            { name: 'keys', mountPath: '/keys' },
            { name: 'conf', mountPath: '/etc/nginx' },
          ],
          readinessProbe: { httpGet: { path: '/', port: 'web' } },
        },
        {
          volumes: [
            { name: 'keys', secret: { secretName: 'inputs', items: [{ key: 'a.pem', path: 'node.pem' }] } },
            { name: 'conf', configMap: { name: 'settings' } },
          ],
        },
      ),
    )
    await apply(objects.service('inputs', 'inputs', [{ name: 'http', port: 80, targetPort: 'web' }]))
    await isReady('inputs')
    expect(seen).toMatchObject({
      namespace: 'flame',
      container: 'main',
      args: ['--fast'],
      labels: { app: 'inputs' },
      mounts: { '/keys': { 'node.pem': 'PEM' }, '/etc/nginx': { 'nginx.conf': 'server {}', other: 'x' } },
    })
    const { host, port } = target.kubernetes.address('inputs', 'http') ?? { host: '', port: 0 }
    const said = await (await fetch(`http://${host}:${port}/x`)).json()
    expect(said).toMatchObject({ token: 't0ken', added: 'main', where: 'flame', inherited: null })
  })

  test('is not ready before its probe succeeds, and its Service leads nowhere until then', async () => {
    await apply(objects.service('probed', 'probed', [{ port: 80, targetPort: 8000 }]))
    await apply(objects.deployment('probed', { readinessProbe: { httpGet: { path: '/live', port: 8000 } } }))
    await expect.poll(async () => (await podOf('probed'))?.containers[0]?.running, PATIENCE).toBe(true)
    expect((await podOf('probed'))?.ready).toBe(false)
    expect(target.kubernetes.address('probed', 80)).toBeUndefined()
    await isReady('probed')
    expect(target.kubernetes.address('probed', 80)).toBeDefined()
    expect(target.kubernetes.address('probed', 81)).toBeUndefined()
  })

  test('is started again in place when its liveness probe fails', async () => {
    await apply(objects.service('sick', 'sick', [{ port: 80 }]))
    const probe = { httpGet: { path: '/live', port: 80 }, failureThreshold: 1 }
    await apply(objects.deployment('sick', { readinessProbe: probe, livenessProbe: { ...probe, failureThreshold: 8 } }))
    await isReady('sick')
    const before = (await podOf('sick'))?.name
    await fetch(`http://127.0.0.1:${target.kubernetes.address('sick', 80)?.port}/sick`)
    await expect.poll(async () => (await podOf('sick'))?.containers[0]?.restarts, PATIENCE).toBeGreaterThan(0)
    expect((await podOf('sick'))?.name).toBe(before)
    expect((await podOf('sick'))?.containers[0]?.lastTerminated).toMatchObject({ exitCode: 143 })
  })

  test.each([
    ['waits for a Secret that comes later', 'server:1', 'CreateContainerConfigError'],
    ['says why its program cannot be started', 'broken:1', 'RunContainerError'],
  ])('%s', async (_, image, reason) => {
    const app = image.replace(':', '-')
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'later', key: 'token' } } }]
    await apply(objects.deployment(app, { image, env: image === 'server:1' ? env : [] }))
    await expect.poll(async () => (await podOf(app))?.containers[0]?.waiting?.reason, PATIENCE).toBe(reason)
    if (image !== 'server:1') return
    await apply(objects.secret('later', { token: 'x' }))
    await isReady(app)
  })

  test('ends with SIGTERM, and with SIGKILL when it does not listen; its children, too', async () => {
    const script = "trap '' TERM; sleep 300 & echo $$$$ $!; wait; wait"
    await apply(objects.deployment('deaf', { image: 'late:1', command: ['sh', '-c', script] }))
    const log = async () =>
      [...((await target.cluster.log((await podOf('deaf'))?.name ?? '', 'main', 1000))?.text ?? [])].join('')
    await expect.poll(log, PATIENCE).toMatch(/^\d+ \d+\n$/)
    const pids = (await log()).trim().split(' ').map(Number)
    await target.cluster.remove('Deployment', 'deaf')
    await expect.poll(() => podOf('deaf'), PATIENCE).toBeUndefined()
    for (const pid of pids) expect(isRunning(pid)).toBe(false)
  })
})

describe('a Deployment', () => {
  test('whose template changes replaces its pods, the new one first', async () => {
    await apply(objects.deployment('rolling', { env: [{ name: 'V', value: '1' }] }))
    await isReady('rolling')
    const first = (await podOf('rolling'))?.name
    await apply(objects.deployment('rolling', { env: [{ name: 'V', value: '2' }] }))
    const names = async () =>
      (await target.cluster.pods({ app: 'rolling' })).map(({ name, ready }) => [name === first, ready])
    await expect.poll(names, PATIENCE).toEqual([[false, true]])
    const { body } = await target.raw('GET', 'apis/apps/v1/deployments/rolling')
    expect(body).toMatchObject({ status: { replicas: 1, readyReplicas: 1, updatedReplicas: 1, observedGeneration: 2 } })
  })
})

describe("the API server's way to a Service", () => {
  test('carries method, path, body and answer, but not our token', async () => {
    await apply(objects.service('reached', 'reached', [{ port: 80 }]))
    await apply(objects.deployment('reached', { readinessProbe: { httpGet: { path: '/live', port: 80 } } }))
    const { send, urlOf } = apiServerProxy(connectApi({ env: { KUBECONFIG: target.kubeconfig } }))
    const ask = (service: string, path: string, request: Pick<HttpRequest, 'method' | 'body'> = { method: 'GET' }) =>
      send({ ...request, url: `${urlOf(service, 80)}${path}` }, new AbortController().signal, 1000)
    expect(await ask('reached', '/early')).toMatchObject({ status: 503 })
    await isReady('reached')
    const answer = await ask('reached', '/a/b?c=d%20e', { method: 'POST', body: '{"x":1}' })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.text)).toMatchObject({ method: 'POST', url: '/a/b?c=d%20e', body: '{"x":1}', auth: null })
    expect((await ask('reached', '/slow')).text).toBe('one two')
    expect((await ask('nowhere', '/')).status).toBe(404)
  })

  test.each([
    ['more than the limit is refused', { deadlineMs: 5000, limitBytes: 5 }, 'refused'],
    ['a slow answer ends at the deadline', { deadlineMs: 50 }, 'unavailable'],
  ])('%s', async (_, limits, code) => {
    const { send, urlOf } = apiServerProxy(connectApi({ env: { KUBECONFIG: target.kubeconfig } }))
    const ask = createHttpClient({ system: 'It', send, ...limits })
    await expect(ask({ method: 'GET', url: `${urlOf('reached', 80)}/slow` }, 'answer')).rejects.toMatchObject({ code })
  })
})

test('a fixed Service is a peer, and leads to its local address', async () => {
  target.kubernetes.addService({
    name: 'b',
    labels: { component: 'flame-message-broker' },
    port: 80,
    host: '127.0.0.1',
    hostPort: 4711,
  })
  expect((await target.cluster.peers()).broker).toEqual({
    name: 'b',
    port: 80,
    targetPort: 80,
    selector: { component: 'flame-message-broker' },
  })
  expect(target.kubernetes.address('b', 80)).toEqual({ host: '127.0.0.1', port: 4711 })
})

test('logs: the last lines, the first bytes, with times, and as they come', async () => {
  await apply(
    objects.deployment(
      'says',
      { image: 'late:1', command: ['sh', '-c', 'echo a; echo b; sleep 0.5; echo c'] },
      { restartPolicy: 'Always' },
    ),
  )
  const connection = connectApi({ env: { KUBECONFIG: target.kubeconfig } })
  const read = async (query: string) => {
    const path = `/api/v1/namespaces/flame/pods/${(await podOf('says'))?.name}/log?${query}`
    const answer = await connection.send({ method: 'GET', path, signal: AbortSignal.timeout(5000) })
    return answer.body.text()
  }
  await expect.poll(() => read(''), PATIENCE).toBe('a\nb\n')
  expect(await read('tailLines=1')).toBe('b\n')
  expect(await read('limitBytes=3')).toBe('a\nb')
  expect(await read('timestamps=true&tailLines=1')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z b\n$/)
  expect(await read('follow=true')).toBe('a\nb\nc\n')
  expect(await read('container=other')).toContain('container other is not valid for pod')
  await connection.close()
})

test('stop ends every process', async () => {
  const other = await sandboxTarget({ images })
  await other.cluster.apply(
    objects.deployment('left', { image: 'late:1', command: ['sh', '-c', 'echo $$$$; exec sleep 300'] }),
  )
  const log = async () =>
    [...((await other.cluster.log((await other.cluster.pods({}))[0]?.name ?? '', 'main', 100))?.text ?? [])].join('')
  await expect.poll(log, PATIENCE).toMatch(/^\d+\n$/)
  const pid = Number(await log())
  await other.stop()
  expect(isRunning(pid)).toBe(false)
})

test('without pods, Deployments stay as they are', async () => {
  const other = await sandboxTarget({ images, startPods: false })
  await other.cluster.apply(objects.deployment('still', {}))
  await sleep(50)
  expect(await other.cluster.pods({})).toEqual([])
  expect(await createPoCluster({ env: { KUBECONFIG: other.kubeconfig } }).remove('Deployment', 'still')).toBe(true)
  await expect.poll(() => other.cluster.find('Deployment', 'still'), PATIENCE).toBeUndefined()
  await other.stop()
})
