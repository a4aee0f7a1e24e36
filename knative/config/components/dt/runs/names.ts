/**
 * The name server of the gateway's nginx: passes questions on to the cluster's, and answers with what that said last when it is
 * slow or away. nginx itself forgets an address when its time is over, and keeps requests waiting while it asks again; on a node
 * whose cores are all busy that took longer than 5 s, and requests failed for a name whose address had not changed in weeks.
 *
 * Started beside nginx as `node names.ts [PORT [HEALTH_PORT [RESOLV_CONF [SERVER_PORT]]]]`; it may import nothing but Node. On the
 * TCP port HEALTH_PORT it can be seen that it runs.
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer, isIPv6 } from 'node:net'

const [port = '5353', healthPort = '8053', resolvConf = '/etc/resolv.conf', serverPort = '53'] = process.argv.slice(2)

/** Age at which an answer is renewed; until that has worked, it goes on being used. */
const FRESH_MS = 5000
const TRY_MS = 2000
const TRIES = 5
/** Names of functions, of both address families; more are somebody's mistake. */
const MOST = 1024
const HEADER = 12
const [NO_ERROR, NAME_ERROR] = [0, 3]

interface Known {
  readonly answer: Buffer
  readonly renewAt: number
}

const server = /^nameserver\s+([0-9A-Fa-f.:]+)/m.exec(readFileSync(resolvConf, 'utf8'))?.[1]
if (!server) throw new Error(`${resolvConf} names no name server`)

const known = new Map<string, Known>()
const asking = new Map<string, Promise<Buffer | undefined>>()

const keyOf = (message: Buffer): string => message.toString('latin1', HEADER)

/** The same question, or the same answer, under the number that its asker knows it by. */
function numbered(message: Buffer, number: number): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(number)
  return copy
}

/** One try, from a port and with a number that nobody can guess. */
function tryOnce(query: Buffer): Promise<Buffer | undefined> {
  const number = randomInt(0x1_0000)
  const socket = createSocket(isIPv6(server ?? '') ? 'udp6' : 'udp4')
  return new Promise((done) => {
    const end = (answer?: Buffer) => {
      clearTimeout(timer)
      socket.close()
      done(answer)
    }
    const timer = setTimeout(end, TRY_MS)
    socket.on('error', () => end())
    socket.on('message', (answer) => {
      const question = answer.subarray(HEADER, query.length)
      if (answer.length < query.length || answer.readUInt16BE() !== number) return
      if (question.equals(query.subarray(HEADER))) end(answer)
    })
    // Connected: what comes from elsewhere is dropped.
    socket.connect(Number(serverPort), server, () => socket.send(numbered(query, number)))
  })
}

async function ask(query: Buffer, key: string): Promise<Buffer | undefined> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await tryOnce(query)
    const code = answer && answer.readUInt8(3) & 0x0f
    if (!answer || (code !== NO_ERROR && code !== NAME_ERROR)) continue
    if (known.size >= MOST) known.clear()
    known.set(key, { answer, renewAt: Date.now() + FRESH_MS })
    return answer
  }
  return undefined
}

/** One asks for all who want the same. */
function renew(query: Buffer): Promise<Buffer | undefined> {
  const key = keyOf(query)
  const running = asking.get(key) ?? ask(query, key).finally(() => asking.delete(key))
  asking.set(key, running)
  return running
}

const listener = createSocket('udp4')
listener.on('message', async (query, from) => {
  if (query.length <= HEADER) return
  const found = known.get(keyOf(query))
  if (!found || Date.now() > found.renewAt) {
    const renewed = renew(query)
    if (!found) await renewed
  }
  const answer = known.get(keyOf(query))?.answer
  // Without one, nginx asks again, and gives up when its own time is over.
  if (answer) listener.send(numbered(answer, query.readUInt16BE()), from.port, from.address)
})
listener.bind(Number(port), '127.0.0.1', () => createServer((socket) => socket.destroy()).listen(Number(healthPort)))
process.once('SIGTERM', () => process.exit(0))
