import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { proxyLocations } from '../../../../shared/po/objects/locations.ts'
import { nginxConf, PROXY_CONNECTIONS } from '../../../../shared/po/objects/nginx-conf.ts'
import { headerMemory } from '../../../../shared/po/objects/nginx-http.ts'
import { PROXY_RESOURCES } from '../../../../shared/po/objects/proxy.ts'
import { memoryOf, sendHalf } from '../../../conformance/half-sent.ts'
import { type ProxySetup, type ProxyUnderTest, proxyConformance } from '../../../conformance/proxy.ts'
import { RUN } from './input.ts'
import { isInstalled } from './installed.ts'

/** In the cluster nginx is not root; where the tests are, it must not be either. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** nginx as in the cluster, but for its port, its directory, and how long it may use a name. */
async function startNginx(setup: ProxySetup): Promise<ProxyUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'egress-'))
  const port = await freePort()
  const settings = { resolver: setup.resolver, resolvedSeconds: 1, port, address: '127.0.0.1', directory }
  const conf = join(directory, 'nginx.conf')
  writeFileSync(conf, nginxConf(proxyLocations(setup), setup.upstreams, settings))
  // Files, because nginx opens /dev/stdout, which a socket does not allow.
  const logs = ['stdout', 'stderr'].map((name) => join(directory, name))
  const [out, err] = logs.map((log) => openSync(log, 'w'))
  if (NOBODY) for (const path of [directory, ...logs]) chownSync(path, NOBODY.uid, NOBODY.gid)
  const child = spawn('nginx', ['-e', 'stderr', '-c', conf, '-g', 'daemon off;'], {
    stdio: ['ignore', out ?? 'ignore', err ?? 'ignore'],
    ...NOBODY,
  })
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    fetch(`${url}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    )
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: see ${directory}/stderr`)
    await sleep(50)
  }
  return {
    url,
    pid: child.pid ?? 0,
    close: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(directory, { recursive: true })
    },
  }
}

const hasNginx = isInstalled('nginx', 'nginx')
if (hasNginx) proxyConformance('nginx', startNginx)

test.skipIf(!hasNginx)(
  'headers that are sent and never end do not fill the memory of the proxy',
  async () => {
    const nginx = await startNginx({ ...RUN, upstreams: {}, resolver: '127.0.0.1:1' })
    const held = await sendHalf(Number(new URL(nginx.url).port), PROXY_CONNECTIONS)
    const memory = memoryOf(nginx.pid)
    held.close()
    await nginx.close()
    const [, limit] = /^(\d+)Mi$/.exec(PROXY_RESOURCES.limits.memory) ?? []
    expect(memory).toBeGreaterThan(headerMemory(PROXY_CONNECTIONS) / 2)
    expect(memory).toBeLessThan(0.8 * Number(limit))
  },
  60_000,
)

describe('nginx.conf', () => {
  const settings = { resolver: '10.96.0.10', port: 8080 }
  const upstreams = { kong: { host: 'kong.flame.svc.cluster.local', port: 80 } }
  const render = (change: object, host = upstreams.kong.host, projectId = RUN.projectId) =>
    nginxConf(proxyLocations({ ...RUN, projectId }), { kong: { host, port: 80 } }, { ...settings, ...change })

  test.each([
    ['10.96.0.10', 'resolver 10.96.0.10 valid=', 'listen 8080;'],
    ['10.96.0.10:5353', 'resolver 10.96.0.10:5353 valid=', 'listen 8080;'],
    ['fd00::a', 'resolver [fd00::a] valid=', 'listen [::]:8080 ipv6only=off;'],
    ['[fd00::a]:53', 'resolver [fd00::a]:53 valid=', 'listen [::]:8080 ipv6only=off;'],
  ])('resolver %s', (resolver, line, listen) => {
    expect(render({ resolver })).toContain(line)
    expect(render({ resolver })).toContain(listen)
  })

  test.each([
    ['resolver', () => render({ resolver: '10.0.0.1; }' })],
    ['resolver', () => render({ resolver: '999.0.0.1' })],
    ['resolver', () => render({ resolver: 'kube-dns' })],
    ['resolver', () => render({ resolver: '' })],
    ['directory', () => render({ directory: '/tmp; load_module x' })],
    ['host', () => render({}, 'kong; return 200')],
    ['host', () => render({}, '$http_host')],
    ['host', () => render({}, 'kong\nevil')],
    ['host', () => render({}, '')],
    ['project id', () => render({}, undefined, 'x"; }')],
    ['project id', () => render({}, undefined, `${RUN.projectId}\n`)],
  ])('refuses a malformed %s', (what, attempt) => {
    expect(attempt).toThrow(what)
  })

  test('names no address but the resolver’s', () => {
    const addresses = render({}).match(/\d+\.\d+\.\d+\.\d+/g)
    expect(new Set(addresses)).toEqual(new Set([settings.resolver]))
  })
})
