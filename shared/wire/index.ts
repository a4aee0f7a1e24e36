/**
 * Puts a function's ports together. Each port has a file of its own, so that a function loads only the vendors it uses.
 * Everything is made at the first request; importing only notes what is to be checked at start.
 *
 *     wire(routes.po.status, store)   // () => ports with `store`, clock, log and settings
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createLogger } from '../log.ts'
import type { Log, Ports } from '../po/ports.ts'
import type { Route } from '../routes/index.ts'
import { type Config, type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { atStart, type Check } from './checks.ts'
import { poSettings } from './settings.ts'

type Ambient = Pick<Ports, 'log' | 'now' | 'random' | 'sleep' | 'settings'>

export interface Context {
  readonly config: Config
  readonly env: Environment
  /** What every function has, whatever else it is wired with. */
  readonly ambient: Ambient
}

/** Makes one or more ports. `check` finds faults of its settings that only files and keys can show, at start. */
export interface Wiring<P> {
  (context: Context): P
  readonly check?: Check
}

type Together<W extends readonly unknown[]> = W extends readonly [Wiring<infer P>, ...infer Rest]
  ? P & Together<Rest>
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

export function wire<const W extends readonly Wiring<object>[]>(
  route: Route,
  ...wirings: W
): () => Ambient & Together<W> {
  for (const { check } of wirings) if (check) atStart(check)
  return () => {
    const env = process.env
    const config = loadConfig(groupsOf(route, env), env)
    const ambient: Ambient = {
      log: createLog(route.name, config),
      now: () => new Date(),
      random: Math.random,
      sleep: async (ms) => delay(ms),
      settings: poSettings(config),
    }
    const context = { config, env, ambient }
    return Object.assign({}, ambient, ...wirings.map((wiring) => wiring(context))) as Ambient & Together<W>
  }
}
