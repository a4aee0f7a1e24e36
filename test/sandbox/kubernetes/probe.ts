/** Asks a container over HTTP, again and again, whether it is well. Other probes than `httpGet` are not run. */
import { get } from 'node:http'
import type { Probe } from './pod-types.ts'

/** The sandbox asks more often than a cluster: a test should not wait ten seconds to see a pod ready. */
const MAX_PERIOD_MS = 500

export function startProbe(probe: Probe, port: number, onResult: (ok: boolean) => void): () => void {
  const period = Math.min((probe.periodSeconds ?? 10) * 1000, MAX_PERIOD_MS)
  const delay = Math.min((probe.initialDelaySeconds ?? 0) * 1000, MAX_PERIOD_MS)
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function round(): Promise<void> {
    const ok = await ask(probe, port)
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
