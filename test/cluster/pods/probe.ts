/**
 * An analysis that tries to escape, from its first instruction until 3 s after SIGTERM: every 50 ms it connects to each target
 * of `targets.json` and to its own proxy and name server. It logs the targets that it reached four times a second.
 *
 * Without a token it is a pod without policies, which proves that the targets are reachable.
 */
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSdk } from '../../sandbox/images/sdk.ts'

/** By name. `tcp`: connects, sends its name and disconnects. `udp`: sends its name. */
export type Targets = Readonly<
  Record<string, { readonly host: string; readonly port: number; readonly protocol?: 'tcp' | 'udp' }>
>

/** Attempts since the last sighting; times are those of the machine in milliseconds. */
export interface Sighting {
  readonly from: number
  readonly until: number
  readonly tried: Readonly<Record<string, number>>
  /** Accepted connections; only the receiver can count datagrams. */
  readonly reached: Readonly<Record<string, number>>
}

const TRY_MS = 50
const GIVE_UP_MS = 700
const REPORT_MS = 250
const LINGER_MS = 3000
const RESOLVED_MS = 2000

function createCounts() {
  const zero = () => ({ from: Date.now(), tried: {} as Record<string, number>, reached: {} as Record<string, number> })
  let now = zero()
  const count = (what: 'tried' | 'reached', target: string) => {
    now[what][target] = (now[what][target] ?? 0) + 1
  }
  return {
    count,
    report() {
      const sighting: Sighting = { ...now, until: Date.now() }
      now = zero()
      console.log(JSON.stringify(sighting))
    },
  }
}

/** Caches names for a moment, so that attempts are packets to the target and not to the name server. */
function createResolver() {
  const known = new Map<string, { readonly until: number; readonly address: Promise<string> }>()
  return (host: string): Promise<string> => {
    const found = known.get(host)
    if (found && found.until > Date.now()) return found.address
    const address = lookup(host).then((result) => result.address)
    known.set(host, { until: Date.now() + RESOLVED_MS, address })
    address.catch(() => known.delete(host))
    return address
  }
}

function tcp(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: GIVE_UP_MS })
    const end = (reached: boolean) => () => {
      socket.destroy()
      resolve(reached)
    }
    socket.on('connect', () => socket.end(`${hostname()}\n`, end(true)))
    socket.on('timeout', end(false)).on('error', end(false))
  })
}

const given = JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8')) as Targets
const self = process.env['DEPLOYMENT_NAME'] ?? ''
const targets: Targets = {
  ...Object.fromEntries(Object.entries(given).filter(([, { host }]) => !self || !host.endsWith(self))),
  'its proxy': { host: `nginx-${self}`, port: 80 },
  'name server': { host: getServers()[0]?.replace(/:\d+$/, '') ?? '', port: 53 },
}
const resolve = createResolver()
const counts = createCounts()
const datagrams = createSocket('udp4').unref()
datagrams.on('error', () => {})

async function attempt(name: string): Promise<void> {
  const { host, port, protocol } = targets[name] ?? { host: '', port: 0 }
  const address = await resolve(host)
  counts.count('tried', name)
  if (protocol === 'udp') return datagrams.send(`${hostname()}\n`, port, address)
  if (await tcp(address, port)) counts.count('reached', name)
}

for (const name of Object.keys(targets)) setInterval(() => attempt(name).catch(() => {}), TRY_MS)
setInterval(counts.report, REPORT_MS)
process.once('SIGTERM', async () => {
  await sleep(LINGER_MS)
  counts.report()
  process.exit(0)
})

if (process.env['KEYCLOAK_TOKEN']) {
  const sdk = await startSdk()
  for (let second = 1; ; second += 1) {
    sdk.setProgress(Math.min(second, 90))
    await sdk.log(`tried for ${second} s`)
    await sleep(1000)
  }
}
