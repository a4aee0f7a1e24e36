/** What the edge of a function needs from its environment, made at first use: importing a function does nothing. */
import { type Environment, loadConfig } from '../config.ts'
import { Fault } from '../fault.ts'
import { createLogger, type Logger } from '../log.ts'
import type { Route } from '../routes.ts'
import { type Authenticate, createAuthenticate } from './auth.ts'

export interface Edge {
  readonly authenticate: Authenticate
  readonly corsOrigin: string
  readonly log: Logger
  readonly access: Logger
}

/** The name under which readers of a node's logs look for requests, since the first orchestrators ran on uvicorn. */
export const ACCESS_LOGGER = 'uvicorn.access'

/** A route without tokens has no settings to check one with. */
const nobody: Authenticate = () => Promise.reject(new Fault('unauthenticated', 'No token is accepted here'))

export function createEdge(route: Route, env: Environment = process.env): Edge {
  const config = loadConfig(route.settings, env)
  const options = { level: config.LOG_LEVEL, node: config.NODE_NAME }
  return {
    authenticate: route.auth === 'none' ? nobody : createAuthenticate(config),
    corsOrigin: config.CORS_ORIGIN,
    log: createLogger(route.name, options),
    access: createLogger(ACCESS_LOGGER, { ...options, module: route.name }),
  }
}
