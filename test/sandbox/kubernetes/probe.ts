/** Probes a container periodically, over HTTP or by a command. Other kinds of probes are not run. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { get } from 'node:http'
import type { Probe } from './pod-types.ts'

/** The sandbox asks more often than a cluster: a test should not wait ten seconds to see a pod ready. */
const MAX_PERIOD_MS = 500

export interface Probed {
  readonly port: number
  /** Of its first process. */
  readonly pid: number
  readonly env: Readonly<Record<string, string>>
  /** A path of the container as it is on this machine. */
  readonly local: (text: string) => string
}

export const isRun = (probe: Probe | undefined): probe is Probe => Boolean(probe?.httpGet ?? probe?.exec)

export function startProbe(probe: Probe, probed: Probed, onResult: (ok: boolean) => void): () => void {
  const period = Math.min((probe.periodSeconds ?? 10) * 1000, MAX_PERIOD_MS)
  const delay = Math.min((probe.initialDelaySeconds ?? 0) * 1000, MAX_PERIOD_MS)
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function round(): Promise<void> {
    const ok = await (probe.exec ? run(probe, probe.exec.command, probed) : ask(probe, probed.port))
    if (stopped) return
    onResult(ok)
    timer = setTimeout(() => void round(), ok ? period : Math.min(period, 100))
  }
  timer = setTimeout(() => void round(), Math.max(delay, 20))
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

const HAS_PROC = existsSync('/proc/self')

/** A container's first process has the number 1 there, and another one here. */
function run(probe: Probe, command: readonly string[], { pid, env, local }: Probed): Promise<boolean> {
  const [program = '', ...args] = command.map((word) => local(word.replaceAll('/proc/1/', `/proc/${pid}/`)))
  // Systems without it have nobody to ask.
  if (!HAS_PROC && command.some((word) => word.startsWith('/proc/'))) return Promise.resolve(true)
  const options = { timeout: (probe.timeoutSeconds ?? 1) * 1000, env: { PATH: process.env['PATH'] ?? '', ...env } }
  return new Promise((resolve) => {
    execFile(program, args, options, (error) => resolve(error === null))
  })
}

function ask(probe: Probe, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      {
        host: '127.0.0.1',
        port,
        path: probe.httpGet?.path ?? '/',
        timeout: (probe.timeoutSeconds ?? 1) * 1000,
        agent: false,
      },
      (response) => {
        response.resume()
        resolve((response.statusCode ?? 500) < 400)
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
