/**
 * `make demo`: runs two analyses from create to archive and shows every step. One computes on a real data file; the other is
 * stuck in its first run, so that the loop restarts it. Only ticks drive them; CloudEvents of the node report their changes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { verifyRecords } from '../../shared/commands/verify-record.ts'
import { createBody } from './examples.ts'
import { createNodeKey } from './node-key.ts'
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

interface Told {
  readonly analysisId: string
  readonly run: number
  readonly state: string
  readonly cause: string | null
}

/** Shows the changes that the node publishes, under the names of the analyses. */
function showChanges({ eventBroker }: Sandbox, names: ReadonlyMap<string, string>): { stop(): void } {
  let shown = 0
  const show = () => {
    for (const { data } of eventBroker?.received.slice(shown) ?? []) {
      shown += 1
      const { analysisId, run, state, cause } = JSON.parse(data ?? '{}') as Told
      step(`event: ${names.get(analysisId)}, run ${run}, ${state}${cause ? `: ${cause}` : ''}`)
    }
  }
  const timer = setInterval(show, 100)
  return {
    stop: () => {
      clearInterval(timer)
      show()
    },
  }
}

/** Follows an analysis until it has left `/po/status`, which is when it is in the archive. */
async function follow(call: Client, id: string, show: (status: string, progress: number) => void): Promise<void> {
  let shown = ''
  while (Date.now() - started < LIMIT_MS) {
    const { [id]: now } = await call<Status>('GET', `/po/status/${id}`)
    if (!now) return
    const seen = `${now.status} ${now.progress}`
    if (seen !== shown) show(now.status, now.progress)
    shown = seen
    await delay(150)
  }
  throw new Error(`an analysis was not done after ${LIMIT_MS / 1000} s; the last that was seen of it: ${shown}`)
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

/** Prints the result of the analysis in the sandbox's storage service. */
function showResult(sandbox: Sandbox, id: string): void {
  const [result] = sandbox.peers.results(id)
  if (!result) throw new Error('the analysis left no result')
  step(`result file ${result.name}:\n${indented(result.content.toString())}`)
}

/** Prints the reports at the Hub and the archived logs of an ended analysis. */
async function showEnd(sandbox: Sandbox, call: Client, name: string, id: string): Promise<void> {
  const hub = await toldTheHub(sandbox, id)
  step(`${name}: the Hub was told ${hub.join(', ')}`)
  const history = await call<Logs>('GET', `/po/history/${id}`)
  step(`${name}: archived logs\n${indented(history.analysis[id]?.join('\n') ?? '')}`)
  if (!history.analysis[id]) throw new Error('the analysis left no logs')
}

/** Verifies the record of an ended analysis as its reader would: with the public key, and nothing of the node. */
async function showRecord(call: Client, name: string, id: string): Promise<void> {
  const file = join(key.folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(await call('GET', `/po/analyses/${id}/record`)))
  const lines: string[] = []
  const keep = (line: string) => void lines.push(line.replace(file, `record of ${name}`))
  const read = (path: string) => readFileSync(path, 'utf8')
  const code = await verifyRecords(['--key', key.publicKeyFile, file], { print: keep, complain: keep, read })
  step(`${name}: make verify-record\n${indented(lines.join('\n'))}`)
  if (code !== 0) throw new Error('the record is not good')
}

/** Images of the demonstration by the name it calls them; on a cluster of the user's only what that cluster has. */
const analyses = (sandbox: Sandbox): Record<string, string> => ({
  mean: process.env['DEMO_IMAGE'] || 'sandbox/mean:1',
  ...(sandbox.kubernetes ? { flaky: 'sandbox/flaky:1' } : {}),
})

async function demonstrate(sandbox: Sandbox): Promise<void> {
  const call = client(sandbox, await sandbox.token())
  step(`node is up at ${sandbox.gateway.url}, ticked each second`)
  const bodies = Object.entries(analyses(sandbox)).map(([name, image]) => ({ name, body: createBody(image) }))
  const changes = showChanges(sandbox, new Map(bodies.map(({ name, body }) => [body.analysis_id, name])))
  for (const { name, body } of bodies) {
    const created = await call<Record<string, string>>('POST', '/po/', body)
    step(`POST /po/ (${name}: ${body.image_url}) → ${JSON.stringify(created)}`)
    const pods = await call<Record<string, string[]>>('GET', `/po/pods/${body.analysis_id}`)
    step(`GET /po/pods/${body.analysis_id} → ${pods[body.analysis_id]?.join(' ')}`)
  }
  for (const { name, body } of bodies) {
    await follow(call, body.analysis_id, name === 'mean' ? showProgress : () => {})
    step(`${name}: no longer in /po/status, it is in the archive`)
  }
  for (const { name, body } of bodies) {
    await showEnd(sandbox, call, name, body.analysis_id)
    if (name === 'mean' && sandbox.kubernetes) showResult(sandbox, body.analysis_id)
    await showRecord(call, name, body.analysis_id)
  }
  changes.stop()
  const left = await call<Record<string, string[]>>('GET', '/po/pods')
  step(`pods left: ${JSON.stringify(left)}`)
  step('executed')
}

const key = createNodeKey()
let sandbox: Sandbox | undefined
const stop = async () => {
  await sandbox?.stop()
  key.remove()
  process.exit(130)
}
process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())
try {
  console.log('Starting a node on this machine …')
  const options = sandboxOptions()
  const env = { ...options.env, ...key.env }
  const ports = { ...options.ports, gateway: 0 }
  sandbox = await startSandbox({ ...options, env, ports, intervalSeconds: 1, sink: true })
  await demonstrate(sandbox)
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
} finally {
  await sandbox?.stop()
  key.remove()
}
