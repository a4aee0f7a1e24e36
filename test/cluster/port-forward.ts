/** A local port that `kubectl port-forward` forwards to a Service or pod; it reconnects when the connection breaks. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

export interface PortForward {
  readonly url: string
  stop(): Promise<void>
}

export interface ForwardTarget {
  readonly kubeconfig: string
  readonly namespace: string
  /** For example `service/po-service`. */
  readonly to: string
  readonly port: number
}

function begin({ kubeconfig, namespace, to, port }: ForwardTarget, local: number): ChildProcess {
  const args = ['port-forward', '--namespace', namespace, '--address', '127.0.0.1', to, `${local || ''}:${port}`]
  return spawn('kubectl', args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** @throws if kubectl exits before it listens */
async function listening(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('kubectl port-forward ended')
  })
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const said = (async () => {
    for await (const line of lines) {
      const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port) return Number(port)
    }
    return ended
  })()
  ended.catch(() => {})
  const port = await Promise.race([said, ended])
  child.stdout?.resume()
  return port
}

export async function forwardPort(target: ForwardTarget): Promise<PortForward> {
  let child = begin(target, 0)
  const port = await listening(child)
  let stopped = false
  const keep = async () => {
    while (!stopped) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      if (stopped) return
      await sleep(200)
      child = begin(target, port)
      await listening(child).catch(() => {})
    }
  }
  const keeping = keep()
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      stopped = true
      child.kill()
      await keeping
    },
  }
}
