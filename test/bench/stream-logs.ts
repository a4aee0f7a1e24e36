/**
 * `POST /po/stream_logs` while the Hub is down: 100 lines a second of 50 executing analyses, each with its own token, to
 * one `po-stream-logs` process, by the open loop. The Hub is down in two ways, and the worse one counts: its port is
 * closed, or it accepts connections and never answers. Meanwhile the outbox grows and is retried.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { routes } from '../../shared/routes/index.ts'
import { seedAnalyses } from './analyses.ts'
import { type Load, openLoop } from './load.ts'
import { startNode } from './node.ts'
import { atMost, type BenchRow, percentile, shown } from './row.ts'

const ANALYSES = 50
const PER_SECOND = 100
const SECONDS = 20
const WARM_UP_SECONDS = 3
const BUDGET_MS = 250

/** A server at the Hub's address; a closed one refuses connections. */
async function listen(onConnection: (socket: Socket) => void) {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function refusing() {
  const { server, url } = await listen(() => {})
  server.close()
  await once(server, 'close')
  return { url, stop: () => {} }
}

async function hanging() {
  const sockets = new Set<Socket>()
  const { server, url } = await listen((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.resume()
  })
  const stop = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url, stop }
}

async function load(hub: string): Promise<Load> {
  const env = { HUB_URL_CORE: `${hub}/core`, HUB_URL_AUTH: `${hub}/auth` }
  await using node = await startNode({ routes: [routes.po.streamLogs], env })
  const ids = await seedAnalyses(node.store, ANALYSES)
  const writers = await Promise.all(ids.map(async (id) => ({ id, headers: await node.headers(id) })))
  const client = node.client(routes.po.streamLogs)
  const write = (nth: number) => {
    const { id = '', headers = {} } = writers[nth % ANALYSES] ?? {}
    const progress = Math.min(99, Math.floor(nth / ANALYSES))
    const log = `round ${nth}: the mean over all partners has changed by 0.0${nth}`
    const body = JSON.stringify({ log, log_type: 'info', analysis_id: id, status: 'executing', progress })
    return client.send({ method: 'POST', path: '/po/stream_logs', headers, body })
  }
  await openLoop(PER_SECOND, WARM_UP_SECONDS, write)
  return await openLoop(PER_SECOND, SECONDS, write)
}

export async function benchStreamLogs(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  const name = `stream_logs at ${PER_SECOND}/s`
  const worst = { p99: 0, errors: 0 }
  for (const [how, fail] of [
    ['refusing', refusing],
    ['hanging', hanging],
  ] as const) {
    const hub = await fail()
    try {
      const { latencies, errors, firstError } = await load(hub.url)
      if (firstError) console.error(`${name}: ${firstError}`)
      const p99 = percentile(latencies, 0.99)
      rows.push(shown(`${name}, Hub ${how}, p99`, p99, 'ms'))
      worst.p99 = Math.max(worst.p99, p99)
      worst.errors += errors
    } finally {
      hub.stop()
    }
  }
  rows.push(atMost(`${name}, Hub down, p99 of the worse`, worst.p99, 'ms', BUDGET_MS))
  rows.push(atMost(`${name}, Hub down, errors`, worst.errors, '', 0))
  return rows
}
