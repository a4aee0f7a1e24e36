/** What the edge of a function needs from its environment, made at first use: importing a function does nothing. */

import { createLogger, type Logger } from '../log.ts'
import { prefixOf, type Route } from '../routes/index.ts'
import { type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { type Authenticate, authenticateFor, isOpen } from './auth.ts'
import { type Bounds, createBounds } from './bounds.ts'

export interface Edge {
  readonly authenticate: Authenticate
  readonly corsOrigins: readonly string[]
  /** The site lets callers of the API in without a token. */
  readonly isOpen: boolean
  /** The paths of the route answer with this prefix and without it. */
  readonly prefix: string
  /** Bytes of the largest file that is accepted. */
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
    corsOrigins: route.cors ? [config[route.cors]].flat() : [],
    isOpen: isOpen(route, config),
    prefix: prefixOf(route, config.VERSION),
    fileLimit: config.FILE_MAX_MIB * MIB,
    bounds: createBounds(config),
    log: createLogger(route.name, options),
    access: createLogger(ACCESS_LOGGER, { ...options, module: route.name }),
  }
}
