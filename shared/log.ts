/**
 * One JSON object a line on stdout: `timestamp` (ISO, UTC), `level` (a word), `logger`, `module`, `msg`, and the fields of
 * the event. A message names what happened; everything that varies is a field.
 *
 * Levels ACTION (we changed something) and STATUS_LOOP (a sweep ended) rank just above INFO: the default level shows them,
 * and WARN hides them.
 */
import { type DestinationStream, type Logger as Pino, pino } from 'pino'

const CUSTOM_LEVELS = { action: 31, status_loop: 32 } as const

export type Logger = Pino<keyof typeof CUSTOM_LEVELS>

/** Fields that hold a secret wherever they appear, in the spellings of the contract and of this code. */
export const SECRET_FIELDS = [
  'registry_password',
  'registryPassword',
  'kong_token',
  'kongToken',
  'password',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'clientSecret',
  'authorization',
  'DATA_SOURCE_TOKEN',
  'KEYCLOAK_TOKEN',
] as const

const DEPTHS = ['', '*.', '*.*.'] as const

interface LogOptions {
  /** Lowest level that is printed; default `info`. */
  readonly level?: string
  /** Name of the node, on each line when it is not empty. */
  readonly node?: string
  /** The part of the program that logs; default: the logger's name. */
  readonly module?: string
  /** Where the lines go; default: stdout, written synchronously, so none is lost at exit. */
  readonly destination?: DestinationStream
}

export function createLogger(name: string, options: LogOptions = {}): Logger {
  const { level = 'info', node = '', module = name, destination = pino.destination({ fd: 1, sync: true }) } = options
  return pino(
    {
      level,
      customLevels: CUSTOM_LEVELS,
      base: { logger: name, module, ...(node && { node }) },
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => DEPTHS.map((depth) => depth + field)), censor: '[redacted]' },
    },
    destination,
  )
}
