/** The real `kn` on a real installation: its commands list our functions, and it finds and runs our plugin. */
import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PING_SOURCE, pingSource } from '../../../knative/manifests/ping-source.ts'
import { poRoutes } from '../../../shared/routes/index.ts'
import { PROGRAM } from '../../knative/plugin/program.ts'
import { isInstalled } from '../../shared/po/objects/installed.ts'
import { createApi, eventually } from '../api.ts'
import { startUrlProxy } from '../tcp-proxy.ts'
import { make } from './installation.ts'
import { type Printed, run, succeed } from './make.ts'
import { type Node, openNode } from './node.ts'
import { removeOverlay, writeOverlay } from './overlay.ts'

const names = poRoutes.map(({ name }) => name)

describe.skipIf(!isInstalled('kn', 'kn, of the Knative client'))('kn', () => {
  let node: Node
  /** Home of a user with the plugin in kn's folder. */
  let home: string
  let env: Record<string, string>

  beforeAll(async () => {
    node = openNode()
    home = await mkdtemp(join(tmpdir(), 'kn-home-'))
    await mkdir(join(home, '.config/kn/plugins'), { recursive: true })
    await symlink(PROGRAM, join(home, '.config/kn/plugins/kn-po'))
    const { realm } = node.installation
    env = {
      HOME: home,
      KUBECONFIG: node.environment.kubeconfig,
      KEYCLOAK_URL: realm.url,
      KEYCLOAK_REALM: realm.realm,
      PO_CLIENT_ID: realm.clientId,
      PO_CLIENT_SECRET: realm.clientSecret,
    }
  })
  afterAll(async () => {
    await node.close()
    await rm(home, { recursive: true })
  })

  const kn = (...args: string[]): Promise<Printed> => run('kn', args, { env })
  const po = (verb: string, ...args: string[]) => kn('po', verb, ...args, '-n', node.installation.namespace)

  /** Standard output of a command that succeeds. */
  async function good(printed: Promise<Printed>): Promise<string> {
    const { code, stdout, lines } = await printed
    expect(code, lines.join('\n')).toBe(0)
    return stdout
  }

  test('lists the plugin, in its folder and on the PATH', async () => {
    expect(await good(kn('plugin', 'list', '--verbose'))).toMatch(/kn-po/)
    const bin = join(home, 'bin')
    await mkdir(bin)
    await copyFile(PROGRAM, join(bin, 'kn-po'))
    const path = { ...env, HOME: bin, PATH: `${bin}:${process.env['PATH']}` }
    const { lines } = await succeed('kn', ['plugin', 'list'], { env: path })
    expect(lines.join('\n')).toContain(join(bin, 'kn-po'))
    expect((await succeed('kn', ['po', 'routes'], { env: path })).stdout).toContain('po-status-reconcile')
  })

  test('hands the plugin its words, streams and exit code', async () => {
    expect(JSON.parse(await good(kn('po', 'routes', '-o', 'json'))).map(({ name }: { name: string }) => name)).toEqual(
      names,
    )
    const { code, lines } = await kn('po', 'stop')
    expect(lines[0]).toBe('kn po: stop: expected the id of an analysis, a UUID, not nothing')
    // kn exits with 1, whatever the exit code of the plugin.
    expect(code).not.toBe(0)
    expect((await run(PROGRAM, ['stop'], { env })).code).toBe(2)
  })

  test('lists and describes every function', async () => {
    const list = await good(kn('service', 'list', '-n', node.installation.namespace))
    for (const name of names) expect(list).toMatch(new RegExp(`^${name} .* True`, 'm'))
    const found = await good(kn('service', 'describe', 'po-status', '-n', node.installation.namespace))
    expect(found).toContain(`http://po-status.${node.installation.namespace}.svc.`)
  })

  test('would find every function by the labels of kn func', async () => {
    const { namespace } = node.installation
    const labelled = ['-n', namespace, 'get', 'ksvc', '-l', 'function.knative.dev=true', '-o', 'name']
    const { stdout } = await succeed('kubectl', labelled, { env })
    expect(stdout.trim().split('\n')).toEqual(names.map((name) => `service.serving.knative.dev/${name}`).toSorted())
  })

  test('applies the file of a function; make deploy takes back what was changed in it', async () => {
    const { namespace, functionImage, overlay, secretsFile } = node.installation
    const file = 'knative/config/base/services/po-docs.yaml'
    const apply = (...more: string[]) =>
      good(kn('service', 'apply', '-f', file, '--image', functionImage, '-n', namespace, ...more))
    const level = async () => {
      const { stdout } = await kn('service', 'describe', 'po-docs', '-n', namespace, '-o', 'json')
      const [{ env = [] } = {}] = JSON.parse(stdout).spec.template.spec.containers
      return env.find(({ name }: { name: string }) => name === 'LOG_LEVEL')?.value
    }
    expect(await apply()).toContain(`No changes to apply to service 'po-docs'`)
    expect(await apply('--env', 'LOG_LEVEL=debug')).toContain('Ready to serve')
    expect(await level()).toBe('debug')
    const OVERLAY = await writeOverlay(overlay, `${namespace}-again`)
    await make(node.environment, 'deploy', { OVERLAY, SECRETS: secretsFile, TIMEOUT: '180' })
    await removeOverlay(OVERLAY)
    expect(await level()).toBeUndefined()
  }, 240_000)

  test('says that it is well, through a forwarded port', async () => {
    expect(await good(po('healthz'))).toBe('ok\n')
  })

  test('sends a tick to the function that the PingSource ticks', async () => {
    const sent = JSON.parse(await good(po('tick', '-o', 'json')))
    expect(sent).toMatchObject({
      type: 'dev.knative.sources.ping',
      source: `/apis/v1/namespaces/${node.installation.namespace}/pingsources/${PING_SOURCE}`,
      status: 204,
    })
  })

  test('says what is not there', async () => {
    const { lines, code } = await kn('po', 'tick', '-n', 'default')
    expect([code !== 0, lines.join('\n')]).toEqual([true, expect.stringContaining(`"${PING_SOURCE}" not found`)])
    const health = await kn('po', 'healthz', '-n', 'default')
    expect(health.lines[0]).toMatch(/^kn po: no way to service\/po-service: .*not found/)
    const context = await kn('po', 'healthz', '--context', 'nowhere')
    expect(context.lines[0]).toMatch(/^kn po: no way to service\/po-service: .*nowhere/)
  })

  test('sends a tick through the broker that a PingSource names', async () => {
    const namespace = `${node.installation.namespace}-broker`
    const api = createApi(node.environment.kubeconfig, namespace)
    const kubectl = (...args: string[]) => succeed('kubectl', ['-n', namespace, ...args], { env })
    const broker = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name: 'events' } }
    const { apiVersion, kind, name } = { ...broker, ...broker.metadata }
    const source = pingSource(10)
    const spec = { ...source.spec, schedule: '0 0 1 1 *', sink: { ref: { apiVersion, kind, name } } }
    const objects = { apiVersion: 'v1', kind: 'List', items: [broker, { ...source, spec }] }
    await api.makeNamespace({})
    try {
      await succeed('kubectl', ['-n', namespace, 'apply', '-f', '-'], { env, input: JSON.stringify(objects) })
      await kubectl('wait', '--for=condition=Ready', `pingsource/${PING_SOURCE}`, '--timeout=60s')
      expect(await good(kn('po', 'tick', '-n', namespace))).toMatch(/ taken \(202\)\n$/)
    } finally {
      await kubectl('delete', 'namespace', namespace, '--wait=false')
      await api.close()
    }
  })

  test('sends what the real PingSource sends', async () => {
    const seen: { headers: IncomingHttpHeaders; body: string; method: string | undefined }[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      seen.push({ headers: request.headers, body, method: request.method })
      response.writeHead(202).end()
    }).listen(0, '127.0.0.1')
    await eventually('it listens', async () => server.listening)
    const { port } = server.address() as { port: number }
    const { hostAddress, hostName } = node.environment
    const proxy = await startUrlProxy(hostAddress, hostName, `http://127.0.0.1:${port}`)
    const { metadata, spec } = pingSource(10)
    const other = { ...spec, schedule: '* * * * * *', sink: { uri: proxy.url } }
    const source = { ...pingSource(10), metadata: { ...metadata, name: 'kn-test' }, spec: other }
    const { namespace } = node.installation
    const kubectl = (args: string[], input?: object) =>
      succeed('kubectl', ['-n', namespace, ...args], { env, ...(input ? { input: JSON.stringify(input) } : {}) })
    try {
      await kubectl(['apply', '-f', '-'], source)
      const real = await eventually('a tick of the real PingSource', async () => seen[0])
      await kubectl(['delete', 'pingsource', 'kn-test'])
      await delay(1500)
      seen.length = 0
      await good(po('tick', '--url', `http://127.0.0.1:${port}`))
      const [ours] = seen
      const attributes = ({ headers }: typeof real) =>
        Object.fromEntries(
          Object.entries(headers).filter(([name]) => name === 'content-type' || /^ce-(?!id|time)/.test(name)),
        )
      expect({ ...ours, headers: attributes(ours ?? real) }).toEqual({
        ...real,
        headers: {
          ...attributes(real),
          'ce-source': String(real.headers['ce-source']).replace('kn-test', PING_SOURCE),
        },
      })
      expect(Object.keys(ours?.headers ?? {})).toEqual(expect.arrayContaining(['ce-id', 'ce-time']))
    } finally {
      await kubectl(['delete', 'pingsource', 'kn-test', '--ignore-not-found'])
      await proxy.stop()
      server.close()
    }
  })

  test('shows, follows and stops an analysis, while the gateway is rolled out', async () => {
    const id = randomUUID()
    const { namespace, images } = node.installation
    await node.create(id, images.mean)
    await eventually('executing', async () => (await po('status', id)).stdout.includes('executing'))
    const followed = po('logs', id, '-f')
    const rollout = ['-n', namespace, 'rollout', 'restart', 'deployment/po-gateway']
    await succeed('kubectl', rollout, { env })
    const { code, stdout, lines } = await followed
    expect(code, lines.join('\n')).toBe(0)
    const rounds = [...stdout.matchAll(/round (\d+) of (\d+)/g)]
    expect(rounds.map(([, round]) => Number(round))).toEqual(rounds.map((_, index) => index + 1))
    expect(String(rounds.length)).toBe(rounds[0]?.[2])
    expect(stdout).toContain('the result is stored')
    expect(lines.at(-1)).toContain(`analysis ${id} has ended`)
    expect(await good(po('logs', id, '--history'))).toContain('the result is stored')

    const other = randomUUID()
    await node.create(other, images.mean)
    expect(await good(po('stop', other))).toBe(`${other} stopped\n`)
    expect(await good(po('status'))).toMatch(new RegExp(`${other} +stop`))
  })
})
