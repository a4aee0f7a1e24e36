/** The edge of a function, created from its environment at first use: importing a function has no side effect. */
import { createLogger, type Logger } from '../log.ts'
import { prefixOf, type Route } from '../routes/index.ts'
import { type Config, type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { type Authenticate, type Callers, noCallers } from './auth.ts'
import { type Bounds, createBounds } from './bounds.ts'

export interface Edge<Caller = unknown> {
  readonly authenticate: Authenticate<Caller>
  readonly corsOrigins: readonly string[]
  /** Callers of the API need no token. */
  readonly isOpen: boolean
  /** The paths of the route answer with this prefix and without it. */
  readonly prefix: string
  /** Bytes of the largest file that is accepted. */
  readonly fileLimit: number
  readonly bounds: Bounds
  readonly log: Logger
  readonly access: Logger
}

/** Readers of a node's logs look for requests under this name: the first orchestrator ran on uvicorn. */
const ACCESS_LOGGER = 'uvicorn.access'

export const MIB = 1024 * 1024

/** Callers of the API need no token. */
const isOpen = ({ openBy }: Route, config: Config): boolean => openBy !== undefined && config[openBy] === 'none'

export const asksForToken = (route: Route, config: Config): boolean => route.auth !== 'none' && !isOpen(route, config)

interface EdgeOptions<Caller> {
  readonly callers?: Callers<Caller> | undefined
  readonly env?: Environment
}

export function createEdge<Caller>(
  route: Route,
  { callers = noCallers, env = process.env }: EdgeOptions<Caller> = {},
): Edge<Caller> {
  const config = loadConfig(groupsOf(route, env), env)
  const options = { level: config.LOG_LEVEL, node: config.NODE_NAME }
  return {
    // A route without tokens does not have the settings to check them.
    authenticate: (asksForToken(route, config) ? callers : noCallers)(config),
    corsOrigins: route.cors ? [config[route.cors]].flat() : [],
    isOpen: isOpen(route, config),
    prefix: prefixOf(route, config.VERSION),
    fileLimit: config.FILE_MAX_MIB * MIB,
    bounds: createBounds(config),
    log: createLogger(route.name, options),
    access: createLogger(ACCESS_LOGGER, { ...options, module: route.name }),
  }
}
