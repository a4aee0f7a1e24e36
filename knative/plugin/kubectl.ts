/** Runs kubectl, which uses the operator's context and credentials. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { CommandError } from './errors.ts'
import type { KubectlOptions } from './input.ts'

const run = promisify(execFile)

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

const MISSING = 'kubectl is not on the PATH: expected it there, or --url'

const flags = ({ kubeconfig, context, namespace }: KubectlOptions): readonly string[] => [
  ...(kubeconfig ? ['--kubeconfig', kubeconfig] : []),
  ...(context ? ['--context', context] : []),
  ...(namespace ? ['--namespace', namespace] : []),
]

/** Without a cluster kubectl logs each attempt; its last line is the message for people. */
const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

/** @throws CommandError with the last line of kubectl's standard error */
export async function kubectl(cluster: KubectlOptions, args: readonly string[]): Promise<string> {
  try {
    return (await run('kubectl', [...flags(cluster), ...args], { maxBuffer: MAX_OUTPUT_BYTES })).stdout
  } catch (cause) {
    const { code, stderr = '', message } = cause as NodeJS.ErrnoException & { readonly stderr?: string }
    throw new CommandError(code === 'ENOENT' ? MISSING : `kubectl: ${lastLine(stderr) || message}`, { cause })
  }
}

export const read = async <T>(cluster: KubectlOptions, args: readonly string[]): Promise<T> =>
  JSON.parse(await kubectl(cluster, ['get', ...args, '--output', 'json'])) as T

export interface Forward {
  readonly url: string
  readonly isOpen: () => boolean
  close(): void
}

async function localPort(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new CommandError('kubectl port-forward: nothing can be read of it')
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port) return Number(port)
  }
  throw new CommandError('kubectl port-forward ended')
}

/**
 * Forwards a local port to a port of a Service or pod until it is closed or the connection breaks.
 * @param to such as `service/po-service`
 * @throws CommandError with the last line of kubectl's standard error
 */
export async function forward(cluster: KubectlOptions, to: string, port: number): Promise<Forward> {
  const args = ['port-forward', '--address', '127.0.0.1', '--pod-running-timeout=20s', to, `:${port}`]
  const child = spawn('kubectl', [...flags(cluster), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-10_000)
  })
  const failed = once(child, 'error').then(([error]: NodeJS.ErrnoException[]) => {
    throw new CommandError(error?.code === 'ENOENT' ? MISSING : `kubectl: ${error?.message}`, { cause: error })
  })
  const ended = once(child, 'close').then(() => {
    throw new CommandError(`no way to ${to}: ${lastLine(stderr) || 'kubectl port-forward ended'}`, { transient: true })
  })
  for (const rejection of [failed, ended]) rejection.catch(() => {})
  const started = localPort(child).catch(() => ended)
  const local = await Promise.race([started, failed, ended])
  child.stdout.resume()
  return {
    url: `http://127.0.0.1:${local}`,
    isOpen: () => child.exitCode === null && child.signalCode === null,
    close: () => void child.kill(),
  }
}
