/**
 * `make demo-dt`: simulates a histopathology laboratory five times. It uploads the table, launches a service that mounts it,
 * waits while ticks drive the service, and summarizes the outputs.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { LABORATORY_IMAGE } from './dt.ts'
import type { Report } from './images/laboratory.ts'
import { explain, sandboxOptions } from './options.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

const LIMIT_MS = 120_000
const REPS = 5
const TABLE = new URL('data/laboratory.csv', import.meta.url)
const PREFIX = '/api/orchestrator/v1alpha1'

interface Status {
  readonly status: string
  readonly active_runs: number
  readonly succeeded_runs: number
  readonly failed_runs: number
  readonly output_files: readonly string[]
}

const started = Date.now()
/** One token for all calls: it is valid for longer than the demonstration takes. */
let token: string | undefined
const step = (text: string): void => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`)

async function call<T>(sandbox: Sandbox, method: string, path: string, body?: string | FormData): Promise<T> {
  const { gateway } = sandbox
  token ??= await sandbox.token()
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const headers = { authorization: `Bearer ${token}`, ...type }
  const answer = await fetch(`${gateway.url}${PREFIX}${path}`, { method, headers, ...(body ? { body } : {}) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as T
}

async function upload(sandbox: Sandbox): Promise<string> {
  const form = new FormData()
  form.set('file', new File([await readFile(TABLE)], 'laboratory.csv'))
  const { file_id: id } = await call<{ file_id: string }>(sandbox, 'POST', '/files/upload', form)
  return id
}

const launchBody = (file: string) => ({
  image: LABORATORY_IMAGE.split(':')[0],
  version: LABORATORY_IMAGE.split(':')[1],
  description: 'Simulates the flow of specimens through a histopathology laboratory and reports on it',
  mount_files: { [file]: 'input.csv' },
  env: { INPUT_EXCEL_FILE: '/input/input.csv', OUTPUT_FOLDER: '/output', SIM_HOURS: '1176', WORK_MS: '1500' },
  ana: { job_type: 'ondemand', reps: REPS },
})

/** Follows a service until nothing of it runs any more and its outputs are there. */
async function follow(sandbox: Sandbox, id: string): Promise<Status> {
  let shown = ''
  while (Date.now() - started < LIMIT_MS) {
    const now = await call<Status>(sandbox, 'GET', `/service/${id}/status`)
    const { active_runs: active, succeeded_runs: succeeded, failed_runs: failed, output_files: outputs } = now
    const seen = `${now.status}: ${active} active, ${succeeded} succeeded, ${failed} failed, ${outputs.length} outputs`
    if (seen !== shown) step(seen)
    shown = seen
    if (now.status !== 'running' && succeeded + failed >= REPS) return now
    await delay(200)
  }
  throw new Error(`the service was not done after ${LIMIT_MS / 1000} s; the last that was seen of it: ${shown}`)
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length
function spread(values: readonly number[]): string {
  const centre = mean(values)
  const deviation = Math.sqrt(mean(values.map((one) => (one - centre) ** 2)) * (values.length / (values.length - 1)))
  return `${centre.toFixed(2)} ± ${deviation.toFixed(2)}`
}

function summary(reports: readonly Report[]): string {
  const stages = Object.keys(reports[0]?.utilisation ?? {})
  const rows = [
    ['turnaround, mean (h)', spread(reports.map(({ turnaround }) => turnaround.mean))],
    ['turnaround, 90 % (h)', spread(reports.map(({ turnaround }) => turnaround.p90))],
    ['specimens inside', spread(reports.map(({ workInProgress }) => workInProgress))],
    ...stages.map((name) => [`busy: ${name}`, spread(reports.map(({ utilisation }) => utilisation[name] ?? 0))]),
  ]
  return rows.map(([name = '', value = '']) => `         ${name.padEnd(24)}${value}`).join('\n')
}

async function demonstrate(sandbox: Sandbox): Promise<void> {
  step(`orchestrator is up at ${sandbox.gateway.url}${PREFIX}, ticked each second`)
  const file = await upload(sandbox)
  step(`POST /files/upload (laboratory.csv) → ${file}`)
  const { id } = await call<{ id: string }>(sandbox, 'POST', '/service/launch', JSON.stringify(launchBody(file)))
  step(`POST /service/launch (${REPS} replications of ${LABORATORY_IMAGE}) → ${id}`)
  const { status, output_files: outputs } = await follow(sandbox, id)
  if (status !== 'ok' || outputs.length !== REPS) throw new Error(`expected ${REPS} outputs of a service that is ok`)
  const reports = await Promise.all(
    outputs.map((_, index) => call<Report>(sandbox, 'GET', `/service/${id}/output/${index}`)),
  )
  for (const [index, { runId, reported, arrived, turnaround }] of reports.entries())
    step(`output ${index}: ${runId}: ${reported} of ${arrived} specimens, ${turnaround.mean.toFixed(2)} h each`)
  step(`over ${REPS} runs (mean ± standard deviation)\n${summary(reports)}`)
  await call(sandbox, 'DELETE', `/service/${id}/terminate`)
  step('terminated')
}

let sandbox: Sandbox | undefined
const stop = async () => {
  await sandbox?.stop()
  process.exit(130)
}
process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())
try {
  console.log('Starting a digital-twin orchestrator on this machine …')
  const { kubeconfig: _, ...options } = sandboxOptions()
  const ports = { ...options.ports, gateway: 0 }
  sandbox = await startSandbox({ ...options, ports, intervalSeconds: 1, dt: true })
  await demonstrate(sandbox)
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
} finally {
  await sandbox?.stop()
}
