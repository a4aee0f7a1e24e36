/**
 * Assembles the ports of a function. Each port has a file of its own, so a function loads only the vendors it uses. Ports are
 * created at the first request; importing only registers checks for the start.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Wired } from '../http/endpoint.ts'
import { createLogger } from '../log.ts'
import type { Log } from '../platform/ports.ts'
import type { Route } from '../routes/index.ts'
import { atStart, type Check } from '../settings/checks.ts'
import { type Config, type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { type CallerOf, callersOf } from './auth.ts'

/** Ports of every function. */
interface Ambient<Settings> {
  readonly log: Log
  readonly now: () => Date
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly settings: Settings
}

export interface Context<Settings = unknown> {
  readonly config: Config
  readonly env: Environment
  readonly ambient: Ambient<Settings>
}

/** Creates one or more ports. At start, `check` finds faults of its settings that show only in files and keys. */
export interface Wiring<P, Settings = unknown> {
  (context: Context<Settings>): P
  readonly check?: Check
}

type PortsOf<W extends readonly unknown[]> = W extends readonly [Wiring<infer P, never>, ...infer Rest]
  ? P & PortsOf<Rest>
  : unknown

const LEVELS = {
  debug: 'debug',
  info: 'info',
  action: 'action',
  loop: 'status_loop',
  warn: 'warn',
  error: 'error',
} as const

/** The port over pino: an `error` field is written with its message, stack and cause. */
export function createLog(name: string, config: Pick<Config, 'LOG_LEVEL' | 'NODE_NAME'>): Log {
  const logger = createLogger(name, { level: config.LOG_LEVEL, node: config.NODE_NAME })
  return (level, event, fields = {}) => {
    const { error, ...rest } = fields
    logger[LEVELS[level]](error === undefined ? rest : { ...rest, err: error }, event)
  }
}

export const createAmbient = <Settings>(log: Log, settings: Settings): Ambient<Settings> => ({
  log,
  now: () => new Date(),
  random: Math.random,
  sleep: async (ms) => delay(ms),
  settings,
})

/** The `wire` of one system: its settings, then the ports that a function names. */
export const wireWith =
  <Settings>(settingsOf: (config: Config) => Settings) =>
  <const R extends Route, const W extends readonly Wiring<object, Settings>[]>(
    route: R,
    ...wirings: W
  ): Wired<Ambient<Settings> & PortsOf<W>, CallerOf[R['auth']]> => {
    for (const { check } of wirings) if (check) atStart(check)
    const make = () => {
      const env = process.env
      const config = loadConfig(groupsOf(route, env), env)
      const ambient = createAmbient(createLog(route.name, config), settingsOf(config))
      const context = { config, env, ambient }
      return Object.assign({}, ambient, ...wirings.map((wiring) => wiring(context))) as Ambient<Settings> & PortsOf<W>
    }
    return Object.assign(make, { callers: callersOf<R['auth']>(route.auth) })
  }
