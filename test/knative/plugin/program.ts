/** Runs the rendered plugin with only the environment that a test passes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { PLUGIN } from '../../../knative/render/plugin.ts'
import { inherited } from '../../sandbox/inherited.ts'
import { ROOT } from '../read.ts'

export const PROGRAM = fileURLToPath(new URL(PLUGIN, ROOT))

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  /** Its output so far. */
  readonly printed: { stdout: string; stderr: string }
  readonly result: Promise<Result>
}

type Environment = Readonly<Record<string, string>>

export function start(args: readonly string[], env: Environment = {}, program = PROGRAM): Started {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
    })
  const result = once(child, 'close').then(([code]) => ({ code: code as number | null, ...printed }))
  return { child, printed, result }
}

export const knPo = (args: readonly string[], env?: Environment, program?: string): Promise<Result> =>
  start(args, env, program).result

export interface Server extends AsyncDisposable {
  readonly url: string
}

export async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
