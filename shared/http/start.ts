/** From an environment to a listening function: all settings checked, uncaught errors logged, drained on SIGTERM. */
import { createLogger, type Logger } from '../log.ts'
import { allRoutes, type Route } from '../routes/index.ts'
import { runChecks } from '../settings/checks.ts'
import { ConfigFault, type Environment, groupsOf, loadConfig } from '../settings/config.ts'
import { asksForToken } from './edge.ts'
import { registeredFunction } from './register.ts'
import { type FunctionServer, type ServerOptions, startServer } from './server.ts'

/** EX_CONFIG: the operator has to change a setting; a restart does not help. */
const EXIT_CONFIG = 78

/** A file may take any time. */
const serverOptions = ({ body }: Route): ServerOptions => (body === 'stream' ? { requestMs: 0 } : {})

function findRoute(target: string | undefined): Route {
  const route = allRoutes.find(({ name }) => name === target)
  if (route) return route
  throw new ConfigFault([`FUNCTION_TARGET: expected one of ${allRoutes.map(({ name }) => name).join(', ')}`])
}

function endOnSignal(server: FunctionServer, log: Logger, limitMs: number): void {
  let ending = false
  const end = async (signal: string) => {
    if (ending) return
    ending = true
    log.info({ signal }, 'draining')
    const drained = await server.drain(limitMs)
    log.info({ drained }, 'stopped')
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void end(signal))
  process.on('disconnect', () => void end('disconnect')) // the parent process has ended
}

/** After an unhandled rejection only that work is lost; after an uncaught exception the state of the process is unknown. */
function logUncaught(log: Logger): void {
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exit(1)
  })
}

/** @param load imports the module that registers the function of the route */
export async function start(load: (route: Route) => Promise<unknown>, env: Environment = process.env): Promise<void> {
  try {
    const route = findRoute(env['FUNCTION_TARGET'])
    const config = loadConfig(groupsOf(route, env), env)
    const log = createLogger(route.name, { level: config.LOG_LEVEL, node: config.NODE_NAME, module: 'serve' })
    logUncaught(log)
    if (route.auth !== 'none' && !asksForToken(route, config))
      log.warn({ setting: route.openBy }, 'no token required: any client may call this function')
    await load(route)
    await runChecks(config)
    const fn = registeredFunction(route.name)
    if (!fn) throw new Error(`${route.name} did not register itself`)
    const server = await startServer(fn, log, config.PORT, serverOptions(route))
    endOnSignal(server, log, route.scale.timeoutSeconds * 1000)
    log.info({ port: server.port }, 'listening')
    process.send?.({ port: server.port }) // for a parent that asked for a free port
  } catch (error) {
    const faults = error instanceof ConfigFault ? error.faults : undefined
    const fields = faults ? { faults } : { err: error }
    createLogger(env['FUNCTION_TARGET'] ?? 'function', { module: 'serve' }).fatal(fields, 'could not start')
    process.exit(faults ? EXIT_CONFIG : 1)
  }
}
