/** The cluster as kubectl reaches it: the operator's context and login hold here, too. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Refused } from './errors.ts'
import type { KubectlOptions } from './input.ts'

const run = promisify(execFile)

const LISTING_BYTES = 64 * 1024 * 1024

const MISSING = 'kubectl is not on the PATH: expected it there, or --url'

const flags = ({ kubeconfig, context, namespace }: KubectlOptions): readonly string[] => [
  ...(kubeconfig ? ['--kubeconfig', kubeconfig] : []),
  ...(context ? ['--context', context] : []),
  ...(namespace ? ['--namespace', namespace] : []),
]

/** kubectl repeats itself line by line when there is no cluster; its last line says it for people. */
const lastLine = (said: string): string => said.trim().split('\n').at(-1) ?? ''

/** @throws Refused with what kubectl said */
export async function kubectl(cluster: KubectlOptions, args: readonly string[]): Promise<string> {
  try {
    return (await run('kubectl', [...flags(cluster), ...args], { maxBuffer: LISTING_BYTES })).stdout
  } catch (cause) {
    const { code, stderr = '', message } = cause as NodeJS.ErrnoException & { readonly stderr?: string }
    throw new Refused(code === 'ENOENT' ? MISSING : `kubectl: ${lastLine(stderr) || message}`, { cause })
  }
}

export const read = async <T>(cluster: KubectlOptions, args: readonly string[]): Promise<T> =>
  JSON.parse(await kubectl(cluster, ['get', ...args, '--output', 'json'])) as T

export interface Forward {
  readonly url: string
  readonly isOpen: () => boolean
  close(): void
}

/** Where kubectl listens, once it does. */
async function listening(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Refused('kubectl port-forward: nothing can be read of it')
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port) return Number(port)
  }
  throw new Refused('kubectl port-forward ended')
}

/**
 * A local port that leads to a port of a Service or pod until it is closed or breaks off.
 * @param to such as `service/po-service`
 * @throws Refused with what kubectl said
 */
export async function forward(cluster: KubectlOptions, to: string, port: number): Promise<Forward> {
  const args = ['port-forward', '--address', '127.0.0.1', '--pod-running-timeout=20s', to, `:${port}`]
  const child = spawn('kubectl', [...flags(cluster), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-10_000)
  })
  const failed = once(child, 'error').then(([error]: NodeJS.ErrnoException[]) => {
    throw new Refused(error?.code === 'ENOENT' ? MISSING : `kubectl: ${error?.message}`, { cause: error })
  })
  const ended = once(child, 'close').then(() => {
    throw new Refused(`no way to ${to}: ${lastLine(said) || 'kubectl port-forward ended'}`, { passing: true })
  })
  for (const late of [failed, ended]) late.catch(() => {})
  const started = listening(child).catch(() => ended)
  const local = await Promise.race([started, failed, ended])
  child.stdout.resume()
  return {
    url: `http://127.0.0.1:${local}`,
    isOpen: () => child.exitCode === null && child.signalCode === null,
    close: () => void child.kill(),
  }
}
