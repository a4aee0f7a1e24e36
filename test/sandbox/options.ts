/** Settings of `make run` and `make demo`: which ports, how fast. All have defaults; all come from the environment. */
import { fileURLToPath } from 'node:url'
import { SETTINGS } from '../../shared/config.ts'
import type { SandboxOptions } from './sandbox.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where the sandbox writes what others may use: `.run`, or the folder that RUN_FOLDER names. */
export const runFolder = (env: Environment = process.env): string =>
  env['RUN_FOLDER'] || fileURLToPath(new URL('../../.run', import.meta.url))

function number(env: Environment, name: string, fallback: number, max: number): number {
  const text = env[name] ?? ''
  if (text === '') return fallback
  const value = Number(text)
  if (/^[0-9]+$/.test(text) && value <= max) return value
  throw new Error(`${name}: expected a whole number from 0 to ${max}`)
}

/** The names a user may set, with what they do; printed when one is wrong. */
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
    ...(env['KUBECONFIG'] ? { kubeconfig: env['KUBECONFIG'], env: runSettings(env) } : {}),
  }
}

/** On a cluster of the user's, the user says how runs are made there: namespace, images, resolver … */
const runSettings = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, { group }]) => (group === 'runs' && env[name] ? [[name, env[name]]] : [])),
  )

/** What went wrong at the start, as a sentence for the person who typed the command. */
export function explain(error: unknown): string {
  const { code, port, message } = error as { code?: string; port?: number; message?: string }
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another one, for example: make run PO_PORT=8001`
  return message ?? String(error)
}
