/** The gateway's name server beside a real nginx, while the cluster's is slow, unreachable, or changes an address. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../shared/routes/index.ts'
import { type DnsStub, startDns } from '../conformance/dns.ts'
import { isInstalled } from '../shared/po/objects/installed.ts'
import { type RunningGateway, startNginx } from './nginx.ts'
import { readText } from './read.ts'

const SUFFIX = 'po.svc.cluster.local'
const NAME = `${routes.po.status.name}.${SUFFIX}`
/** Entries of nginx and the name server have expired by then. */
const RENEWED_MS = 7500

/** Forwards datagrams to a name server, or drops them. */
async function startValve(to: string) {
  const [address = '', port = ''] = to.split(':')
  const outside = createSocket('udp4')
  let isOpen = true
  outside.on('message', (query, from) => {
    if (!isOpen) return
    const inside = createSocket('udp4')
    inside.on('message', (answer) => outside.send(answer, from.port, from.address, () => inside.close()))
    inside.send(query, Number(port), address)
  })
  outside.bind(0, '127.0.0.1')
  await once(outside, 'listening')
  return {
    port: outside.address().port,
    turn: (open: boolean) => {
      isOpen = open
    },
    close: () => outside.close(),
  }
}

async function freeDatagramPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

describe.skipIf(!isInstalled('nginx', 'nginx'))('names of the gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'))
  const servers: Server[] = []
  let dns: DnsStub
  let valve: Awaited<ReturnType<typeof startValve>>
  let names: ReturnType<typeof spawn>
  let nginx: RunningGateway

  const listen = async (address: string, port: number): Promise<number> => {
    const server = createServer((_, response) => response.end(address)).listen(port, address)
    servers.push(server)
    await once(server, 'listening')
    return (server.address() as { port: number }).port
  }
  const get = async () => {
    const answer = await fetch(`${nginx.url}/po/status`)
    return [answer.status, answer.status === 200 ? await answer.text() : '']
  }

  beforeAll(async () => {
    const upstream = await listen('127.0.0.21', 0)
    await listen('127.0.0.22', upstream)
    dns = await startDns({ [NAME]: '127.0.0.21' })
    valve = await startValve(dns.address)
    // As in the pod: under this name, and with no package.json beside it.
    const [script, resolv] = [join(folder, 'names.mts'), join(folder, 'resolv.conf')]
    writeFileSync(script, readText('knative/config/base/gateway/names.ts'))
    writeFileSync(resolv, 'nameserver 127.0.0.1\n')
    const port = await freeDatagramPort()
    names = spawn(process.execPath, [script, String(port), '0', resolv, String(valve.port)], { stdio: 'inherit' })
    nginx = await startNginx({ resolver: `127.0.0.1:${port}`, suffix: SUFFIX, port: upstream })
  }, 30_000)
  afterAll(async () => {
    names?.kill()
    await nginx?.stop()
    valve?.close()
    dns?.close()
    for (const server of servers) server.close()
    rmSync(folder, { recursive: true })
  })

  test('a name is passed on to the name server of the cluster', async () => {
    await expect.poll(get, { timeout: 10_000 }).toEqual([200, '127.0.0.21'])
  })

  test('a name server that is away costs no request, and no time', async () => {
    valve.turn(false)
    await sleep(RENEWED_MS)
    for (let count = 0; count < 5; count += 1) {
      const began = performance.now()
      expect(await get()).toEqual([200, '127.0.0.21'])
      // A lookup that waits takes 2 s at least.
      expect(performance.now() - began).toBeLessThan(1500)
      await sleep(500)
    }
  }, 30_000)

  test('a new address is used as soon as the name server says so', async () => {
    valve.turn(true)
    dns.records.set(NAME, '127.0.0.22')
    await expect.poll(get, { timeout: 15_000, interval: 500 }).toEqual([200, '127.0.0.22'])
  }, 30_000)

  test('a function that is gone is a 502, and not the last that was there', async () => {
    dns.records.delete(NAME)
    await expect.poll(get, { timeout: 15_000, interval: 500 }).toEqual([502, ''])
  }, 30_000)

  test('a name that is not cached waits for the name server', async () => {
    valve.turn(false)
    dns.records.set(`${routes.po.pods.name}.${SUFFIX}`, '127.0.0.21')
    const answer = fetch(`${nginx.url}/po/pods`)
    await sleep(1000)
    valve.turn(true)
    expect((await answer).status).toBe(200)
  }, 30_000)
})
