#!/usr/bin/env node
/**
 * `kn po …`: the analyses of a node, and the loop that watches them, from an operator's terminal. `make render` makes one
 * file of this folder, `knative/bin/kn-po`, which needs nothing but Node 20; kn finds it by its name.
 *
 * Owns: verbs, exit codes, where a connection and a token come from. May import: the route table, ids, the PingSource.
 */
import { createApi } from './api.ts'
import { completionScript } from './completion.ts'
import { toGateway } from './connection.ts'
import { Misused, Refused } from './errors.ts'
import { HELP } from './help.ts'
import { type Input, readInput } from './input.ts'
import { logs } from './logs.ts'
import { listRoutes } from './routes.ts'
import { healthz, status, stop } from './status.ts'
import { createTerminal, type Terminal } from './terminal.ts'
import { tick } from './tick.ts'
import { createTokens } from './tokens.ts'
import type { Verb } from './verbs.ts'
import type { VerbContext } from './work.ts'

type Run = (work: VerbContext) => Promise<void>

const RUNS: Readonly<Record<Verb, Run>> = {
  status,
  logs,
  stop,
  tick,
  routes: listRoutes,
  healthz,
  completion: async ({ input, terminal }) => terminal.out(completionScript(input.argument === 'zsh' ? 'zsh' : 'bash')),
}

async function run(input: Input, terminal: Terminal): Promise<void> {
  const connection = toGateway(input)
  const interrupted = (signal: NodeJS.Signals, code: number) =>
    process.once(signal, () => {
      connection.close()
      process.exit(code)
    })
  interrupted('SIGINT', 130)
  interrupted('SIGTERM', 143)
  try {
    await RUNS[input.verb]({ input, terminal, api: createApi(connection, createTokens(input, process.env, terminal)) })
  } finally {
    connection.close()
  }
}

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const input = readInput(args, process.env)
    if (input) await run(input, terminal)
    else terminal.out(HELP)
    return 0
  } catch (error) {
    if (error instanceof Misused) {
      terminal.note(`kn po: ${error.message}\nkn po --help shows all verbs and options.`)
      return 2
    }
    terminal.note(error instanceof Refused ? `kn po: ${error.message}` : `kn po: a defect: ${(error as Error).stack}`)
    return 1
  }
}

/** Whoever reads may have read enough, as `head` does. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

void main(process.argv.slice(2), createTerminal()).then((code) => {
  process.exitCode = code
})
