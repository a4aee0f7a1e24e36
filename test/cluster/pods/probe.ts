/**
 * An analysis that tries to get out, from its first instruction until 3 s after it was told to end: to every target of
 * `targets.json` and to its own proxy and name server, each 50 ms. It writes down four times a second what it reached.
 *
 * Without a token it is no analysis but any pod: the check that the targets can be reached at all.
 */
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSdk } from '../../sandbox/images/sdk.ts'

/** By name. `tcp`: connects, says who it is and hangs up. `udp`: says who it is. */
export type Targets = Readonly<
  Record<string, { readonly host: string; readonly port: number; readonly protocol?: 'tcp' | 'udp' }>
>

/** What happened since the last one; times are those of the machine in milliseconds. */
export interface Sighting {
  readonly from: number
  readonly until: number
  readonly tried: Readonly<Record<string, number>>
  /** Connections that were accepted; of datagrams only the receiver knows. */
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

/** Names are kept for a moment, so that tries are packets to the target and not to the name server. */
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
