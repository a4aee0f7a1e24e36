/**
 * `make demo`: one analysis on a real data file, from create to the archived result, every step shown as it happens: a
 * progress bar in a terminal, plain lines in a pipe.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createBody } from './examples.ts'
import { explain, sandboxOptions } from './options.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

const LIMIT_MS = 120_000
const BAR_WIDTH = 30
const terminal = process.stdout.isTTY

type Logs = { readonly analysis: Record<string, string[]>; readonly nginx: Record<string, string[]> }
type Status = Record<string, { readonly status: string; readonly progress: number }>

const started = Date.now()
const seconds = (): string => ((Date.now() - started) / 1000).toFixed(1).padStart(5)

function step(text: string): void {
  if (terminal) process.stdout.write('\r\u001b[K')
  console.log(`${seconds()} s  ${text}`)
}

function showProgress(status: string, progress: number): void {
  const filled = Math.round((progress / 100) * BAR_WIDTH)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
  if (terminal) process.stdout.write(`\r\u001b[K${seconds()} s  ${bar} ${String(progress).padStart(3)} %  ${status}`)
  else console.log(`${seconds()} s  ${status} ${progress} %`)
}

function client({ gateway }: Sandbox, token: string) {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${gateway.url}${path}`, { method, headers, ...sent })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text) as T
  }
}
type Client = ReturnType<typeof client>

/** Follows an analysis until it has left `/po/status`, which is when it is in the archive. */
async function follow(call: Client, id: string): Promise<string> {
  let shown = ''
  let last = 'started'
  while (Date.now() - started < LIMIT_MS) {
    const { [id]: now } = await call<Status>('GET', `/po/status/${id}`)
    if (!now) return last
    const seen = `${now.status} ${now.progress}`
    if (seen !== shown) showProgress(now.status, now.progress)
    shown = seen
    last = now.status
    await delay(150)
  }
  throw new Error(`the analysis was not done after ${LIMIT_MS / 1000} s; its last status was ${last}`)
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '         ')
}

/** The terminal status that the Hub got; it arrives a moment after the archive has the analysis. */
async function toldTheHub(sandbox: Sandbox, id: string): Promise<string[]> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const statuses = sandbox.hub.told(id).statuses.map(({ status, progress }) => `${status} ${progress}`)
    if (statuses.at(-1)?.startsWith('executed')) return statuses
    await delay(100)
  }
  throw new Error('the Hub was not told that the analysis was executed')
}

/** What the analysis stored at the sandbox's storage service. */
function showResult(sandbox: Sandbox, id: string): void {
  const [result] = sandbox.peers.results(id)
  if (!result) throw new Error('the analysis left no result')
  step(`result file ${result.name}:\n${indented(result.content.toString())}`)
}

async function demonstrate(sandbox: Sandbox): Promise<void> {
  const call = client(sandbox, await sandbox.token())
  const body = createBody(process.env['DEMO_IMAGE'] || 'sandbox/mean:1')
  const id = body.analysis_id
  step(`node is up at ${sandbox.gateway.url}`)
  const created = await call<Record<string, string>>('POST', '/po/', body)
  step(`POST /po/ → ${JSON.stringify(created)}`)
  const pods = await call<Record<string, string[]>>('GET', `/po/pods/${id}`)
  step(`GET /po/pods/${id} → ${pods[id]?.join(' ')}`)
  const last = await follow(call, id)
  step(`no longer in /po/status (last seen there: ${last}): the analysis has ended and is in the archive`)
  const hub = await toldTheHub(sandbox, id)
  step(`the Hub was told: ${hub.join(', ')}`)
  if (sandbox.kubernetes) showResult(sandbox, id)
  else step('the result is in the storage service of your cluster')
  const history = await call<Logs>('GET', `/po/history/${id}`)
  step(`archived logs:\n${indented(history.analysis[id]?.join('\n') ?? '')}`)
  const left = await call<Record<string, string[]>>('GET', '/po/pods')
  step(`pods left: ${JSON.stringify(left)}`)
  if (!history.analysis[id]) throw new Error('the analysis left no logs')
  step('executed')
}

let sandbox: Sandbox | undefined
const stop = async () => {
  await sandbox?.stop()
  process.exit(130)
}
process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())
try {
  console.log('Starting a node on this machine …')
  const options = sandboxOptions()
  sandbox = await startSandbox({ ...options, ports: { ...options.ports, gateway: 0 }, intervalSeconds: 1 })
  await demonstrate(sandbox)
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
} finally {
  await sandbox?.stop()
}
