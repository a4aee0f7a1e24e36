/**
 * Functions as processes, one each or more, as on a cluster: from source, or from `dist/` when `program` says so. May import the
 * route table only: what a function needs comes through its environment.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Route } from '../../shared/routes/index.ts'
import { inherited } from './inherited.ts'

export interface FunctionsOptions {
  readonly routes: readonly Route[]
  /** Settings of all functions; `inherited.ts` has the rest of their environment. */
  readonly env: Readonly<Record<string, string>>
  /** How many processes a function has; default: one. */
  readonly copies?: (route: Route) => number
  /** Settings of one function, which override those of all. */
  readonly envOf?: (route: Route) => Readonly<Record<string, string>>
  /** What Node runs for a route; default: the source entry. */
  readonly program?: (route: Route) => string
  /** Each line a function prints, on either stream; default: dropped. */
  readonly onLine?: (route: Route, line: string) => void
}

export interface RunningFunction {
  readonly route: Route
  readonly pid: number
  readonly port: number
  /** `http://127.0.0.1:port`. */
  readonly url: string
}

export interface Functions {
  /** By route name; of a function with copies, the first. */
  readonly running: ReadonlyMap<string, RunningFunction>
  /** For a gateway: where a route is served; undefined when it is not. */
  addressOf(route: Route): string | undefined
  /** Every process of a function. */
  copiesOf(route: Route): readonly RunningFunction[]
  /** Ends all by pid and resolves when they have ended. */
  stop(): Promise<void>
}

const SOURCE = fileURLToPath(new URL('../../shared/http/serve.ts', import.meta.url))
/** Twelve functions start at the same time, perhaps on a busy machine. */
const START_MS = 90_000
const STOP_MS = 8000

interface Started {
  readonly child: ChildProcess
  readonly running: RunningFunction
}

function launch(route: Route, { env, envOf, program, onLine }: FunctionsOptions): ChildProcess {
  const child = spawn(process.execPath, [program?.(route) ?? SOURCE], {
    env: { ...inherited(), ...env, ...envOf?.(route), FUNCTION_TARGET: route.name, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', (line) => onLine?.(route, line))
  return child
}

/** Resolves when the function listens and has sent its port. */
async function listening(route: Route, child: ChildProcess): Promise<RunningFunction> {
  const signal = AbortSignal.timeout(START_MS)
  const [told] = await Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })]).catch(
    (cause: unknown) => {
      throw new Error(`${route.name} did not start within ${START_MS / 1000} s`, { cause })
    },
  )
  const port = told && typeof told === 'object' && 'port' in told ? Number(told.port) : 0
  if (!port || child.pid === undefined) throw new Error(`${route.name} did not start: exit ${String(told)}`)
  return { route, pid: child.pid, port, url: `http://127.0.0.1:${port}` }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(force)
}

/** @throws if one does not start; the others are stopped then */
export async function startFunctions(options: FunctionsOptions): Promise<Functions> {
  const { routes, copies = () => 1 } = options
  const children = routes
    .flatMap((route) => Array<Route>(copies(route)).fill(route))
    .map((route) => ({ route, child: launch(route, options) }))
  const stop = async () => {
    await Promise.all(children.map(({ child }) => end(child)))
  }
  try {
    const started: Started[] = await Promise.all(
      children.map(async ({ route, child }) => ({ child, running: await listening(route, child) })),
    )
    const all = started.map((one) => one.running)
    const copiesOf = ({ name }: Route) => all.filter(({ route }) => route.name === name)
    const running = new Map(all.toReversed().map((one) => [one.route.name, one]))
    return { running, addressOf: ({ name }) => running.get(name)?.url, copiesOf, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
