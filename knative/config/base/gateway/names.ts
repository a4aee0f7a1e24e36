/**
 * A caching DNS forwarder for the gateway's nginx. It serves the last answer while the cluster's name server is slow or
 * unreachable. nginx itself drops an address when its TTL ends and delays requests until the next answer: on a node with busy
 * cores that took more than 5 s, and requests failed for a name whose address had not changed in weeks.
 *
 * Runs beside nginx as `node names.ts [PORT [HEALTH_PORT [RESOLV_CONF [SERVER_PORT]]]]`; it may import only Node's modules.
 * HEALTH_PORT is a TCP port for probes.
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer, isIPv6 } from 'node:net'

const [port = '5353', healthPort = '8053', resolvConf = '/etc/resolv.conf', serverPort = '53'] = process.argv.slice(2)

/** Age at which an answer is renewed. The old answer is served until a new one arrives. */
const FRESH_MS = 5000
const TIMEOUT_MS = 2000
const ATTEMPTS = 5
/** Far above the number of functions times two address families: more names are a client's fault. */
const MAX_NAMES = 1024
const HEADER = 12
const [NO_ERROR, NAME_ERROR] = [0, 3]

interface CacheEntry {
  readonly answer: Buffer
  readonly renewAt: number
}

const server = /^nameserver\s+([0-9A-Fa-f.:]+)/m.exec(readFileSync(resolvConf, 'utf8'))?.[1]
if (!server) throw new Error(`${resolvConf} names no name server`)

const cache = new Map<string, CacheEntry>()
const pending = new Map<string, Promise<Buffer | undefined>>()

const keyOf = (message: Buffer): string => message.toString('latin1', HEADER)

/** A copy of the message with another transaction id. */
function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(id)
  return copy
}

/** One attempt. The random port and transaction id prevent forged answers. */
function queryOnce(query: Buffer): Promise<Buffer | undefined> {
  const id = randomInt(0x1_0000)
  const socket = createSocket(isIPv6(server ?? '') ? 'udp6' : 'udp4')
  return new Promise((done) => {
    const end = (answer?: Buffer) => {
      clearTimeout(timer)
      socket.close()
      done(answer)
    }
    const timer = setTimeout(end, TIMEOUT_MS)
    socket.on('error', () => end())
    socket.on('message', (answer) => {
      const question = answer.subarray(HEADER, query.length)
      if (answer.length < query.length || answer.readUInt16BE() !== id) return
      if (question.equals(query.subarray(HEADER))) end(answer)
    })
    // A connected socket drops datagrams of other senders.
    socket.connect(Number(serverPort), server, () => socket.send(withId(query, id)))
  })
}

async function queryServer(query: Buffer, key: string): Promise<Buffer | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await queryOnce(query)
    const code = answer && answer.readUInt8(3) & 0x0f
    if (!answer || (code !== NO_ERROR && code !== NAME_ERROR)) continue
    if (cache.size >= MAX_NAMES) cache.clear()
    cache.set(key, { answer, renewAt: Date.now() + FRESH_MS })
    return answer
  }
  return undefined
}

/** Concurrent queries for one name share one request. */
function renew(query: Buffer): Promise<Buffer | undefined> {
  const key = keyOf(query)
  const running = pending.get(key) ?? queryServer(query, key).finally(() => pending.delete(key))
  pending.set(key, running)
  return running
}

const listener = createSocket('udp4')
listener.on('message', async (query, from) => {
  if (query.length <= HEADER) return
  const found = cache.get(keyOf(query))
  if (!found || Date.now() > found.renewAt) {
    const renewed = renew(query)
    if (!found) await renewed
  }
  const answer = cache.get(keyOf(query))?.answer
  // Without an answer, nginx repeats the query until its own timeout.
  if (answer) listener.send(withId(answer, query.readUInt16BE()), from.port, from.address)
})
listener.bind(Number(port), '127.0.0.1', () => createServer((socket) => socket.destroy()).listen(Number(healthPort)))
process.once('SIGTERM', () => process.exit(0))
