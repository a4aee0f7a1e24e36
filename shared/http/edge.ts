/** What the edge of a function needs from its environment, made at first use: importing a function does nothing. */

import { createLogger, type Logger } from '../log.ts'
import { prefixOf, type Route } from '../routes/index.ts'
import { type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { type Authenticate, authenticateFor } from './auth.ts'
import { type Bounds, createBounds } from './bounds.ts'

export interface Edge {
  readonly authenticate: Authenticate
  readonly corsOrigins: readonly string[]
  /** Nobody is asked for a token where the site decides that. */
  readonly isOpen: boolean
  /** Before which the paths of the route answer, too. */
  readonly prefix: string
  /** Bytes of the largest body that a route of files takes. */
  readonly fileLimit: number
  readonly bounds: Bounds
  readonly log: Logger
  readonly access: Logger
}

/** The name under which readers of a node's logs look for requests, since the first orchestrators ran on uvicorn. */
export const ACCESS_LOGGER = 'uvicorn.access'

export const MIB = 1024 * 1024

export function createEdge(route: Route, env: Environment = process.env): Edge {
  const config = loadConfig(groupsOf(route, env), env)
  const options = { level: config.LOG_LEVEL, node: config.NODE_NAME }
  return {
    authenticate: authenticateFor(route, config),
    corsOrigins: route.prefix === undefined ? [config.CORS_ORIGIN] : config.DT_CORS_ORIGINS,
    isOpen: config.DT_AUTH === 'none',
    prefix: prefixOf(route, config.VERSION),
    fileLimit: config.FILE_MAX_MIB * MIB,
    bounds: createBounds(config),
    log: createLogger(route.name, options),
    access: createLogger(ACCESS_LOGGER, { ...options, module: route.name }),
  }
}
