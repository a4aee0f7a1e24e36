/** Settings of `make run` and `make demo` from the environment: ports, intervals, broker, faults of ticks. All have defaults. */
import { fileURLToPath } from 'node:url'
import { SETTINGS } from '../../shared/settings/config.ts'
import type { SandboxOptions } from './sandbox.ts'
import type { TickFaults } from './ticker.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The folder for files of the sandbox: `.run`, or RUN_FOLDER. */
export const runFolder = (env: Environment = process.env): string =>
  env['RUN_FOLDER'] || fileURLToPath(new URL('../../.run', import.meta.url))

function number(env: Environment, name: string, fallback: number, max: number): number {
  const text = env[name] ?? ''
  if (text === '') return fallback
  const value = Number(text)
  if (/^[0-9]+$/.test(text) && value <= max) return value
  throw new Error(`${name}: expected a whole number from 0 to ${max}`)
}

function share(env: Environment, name: string): number {
  const text = env[name] || '0'
  if (/^(0|1|0?\.[0-9]+)$/.test(text)) return Number(text)
  throw new Error(`${name}: expected a share from 0 to 1, such as 0.1`)
}

function range(env: Environment, name: string): readonly [number, number] {
  const text = env[name] || '0-0'
  const [, min, max] = /^([0-9]{1,6})-([0-9]{1,6})$/.exec(text) ?? []
  if (Number(min) <= Number(max)) return [Number(min), Number(max)]
  throw new Error(`${name}: expected two numbers of milliseconds such as 100-3000`)
}

const tickFaults = (env: Environment): TickFaults => ({
  double: share(env, 'TICK_DOUBLE'),
  drop: share(env, 'TICK_DROP'),
  delayMs: range(env, 'TICK_DELAY_MS'),
})

/** With `FANOUT=events` a broker distributes the work; K_SINK may be a user's sink for state changes. */
function events(env: Environment): Pick<SandboxOptions, 'fanout'> {
  const { FANOUT: fanout = 'none', K_SINK: sink = '' } = env
  if (fanout !== 'none' && fanout !== 'events') throw new Error('FANOUT: expected none or events')
  if (fanout === 'events' && sink) throw new Error('K_SINK: expected none with FANOUT=events, which brings its own')
  return { fanout: fanout === 'events' }
}

/** The variables and their effects; printed if one is invalid. */
export function sandboxOptions(env: Environment = process.env): SandboxOptions {
  const port = (name: string, fallback: number) => number(env, name, fallback, 65_535)
  return {
    folder: runFolder(env),
    ports: {
      gateway: port('PO_PORT', 8000),
      hub: port('HUB_PORT', 0),
      keycloak: port('KEYCLOAK_PORT', 0),
      kubernetes: port('KUBERNETES_PORT', 0),
      postgres: port('POSTGRES_PORT', 0),
    },
    intervalSeconds: Math.max(1, number(env, 'STATUS_LOOP_INTERVAL', 2, 86_400)),
    tickFaults: tickFaults(env),
    ...events(env),
    reconcilers: Math.max(1, number(env, 'RECONCILERS', 1, 8)),
    ...(env['KUBECONFIG'] ? { kubeconfig: env['KUBECONFIG'] } : {}),
    env: { ...(env['KUBECONFIG'] ? runSettings(env) : {}), ...(env['K_SINK'] ? { K_SINK: env['K_SINK'] } : {}) },
  }
}

/** On a cluster of the user's, the user says how runs are made there: namespace, images, resolver … */
const runSettings = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, { group }]) => (group === 'runs' && env[name] ? [[name, env[name]]] : [])),
  )

/** The cause of a failed start, as a sentence for the user. */
export function explain(error: unknown): string {
  const { code, port, message } = error as { code?: string; port?: number; message?: string }
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another one, for example: make run PO_PORT=8001`
  return message ?? String(error)
}
