/**
 * Sends requests from inside the cluster. `POST /load` with a `Load` sends its requests and responds with a `Loaded`.
 */
import { Agent, createServer, type IncomingMessage, request } from 'node:http'

export interface Load {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly count: number
  readonly atOnce: number
  /** Pause before each request of a worker. */
  readonly pauseMs?: number
  /** Opens a connection for each request, like callers without a pool. */
  readonly fresh?: boolean
}

export interface Loaded {
  /** Counts by status, or by the code of a failed connection. */
  readonly outcomes: Readonly<Record<string, number>>
  /** The first response that was not 200. */
  readonly oddity?: string
  /** Milliseconds of each request, in the order of completion. */
  readonly times: readonly number[]
  /** When the first request was sent. */
  readonly from: number
}

const PORT = 8080
const GIVE_UP_MS = 120_000

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of message.setEncoding('utf8')) text += chunk
  return text
}

function ask({ url, method = 'GET', headers = {} }: Load, agent: Agent): Promise<{ outcome: string; text: string }> {
  return new Promise((resolve) => {
    const sent = request(url, { method, headers, agent, timeout: GIVE_UP_MS }, async (answer) => {
      const text = await textOf(answer).catch((error: NodeJS.ErrnoException) => error)
      if (typeof text === 'string') resolve({ outcome: String(answer.statusCode), text })
      else resolve({ outcome: text.code ?? text.message, text: String(text) })
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ outcome: error.code ?? error.message, text: String(error) }),
    )
    sent.end()
  })
}

async function carryOut(load: Load): Promise<Loaded> {
  const agent = new Agent({ keepAlive: !load.fresh, maxSockets: load.atOnce })
  const outcomes: Record<string, number> = {}
  const times: number[] = []
  let oddity: string | undefined
  let left = load.count
  const from = Date.now()
  const worker = async () => {
    while (left-- > 0) {
      if (load.pauseMs) await new Promise((resolve) => setTimeout(resolve, load.pauseMs))
      const began = performance.now()
      const { outcome, text } = await ask(load, agent)
      times.push(performance.now() - began)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      if (outcome !== '200') oddity ??= `${outcome}: ${text.slice(0, 300)}`
    }
  }
  await Promise.all(Array.from({ length: load.atOnce }, worker))
  agent.destroy()
  return { outcomes, times, from, ...(oddity ? { oddity } : {}) }
}

createServer(async (incoming, response) => {
  if (incoming.method !== 'POST') return response.end('ready')
  const answer = await carryOut(JSON.parse(await textOf(incoming)) as Load)
  return response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
}).listen(PORT)
process.once('SIGTERM', () => process.exit(0))
