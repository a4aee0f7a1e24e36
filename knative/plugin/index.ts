#!/usr/bin/env node
/**
 * `kn po …`: operates the analyses of a node and its status loop from a terminal. `make render` bundles this folder into one
 * file, `knative/bin/kn-po`, which needs only Node 20; kn finds a plugin by its file name.
 *
 * Owns: verbs, exit codes, the sources of connection and token. May import: the route table, ids, the PingSource.
 */
import { createApi } from './api.ts'
import { completionScript } from './completion.ts'
import { toGateway } from './connection.ts'
import type { VerbContext } from './context.ts'
import { CommandError, UsageError } from './errors.ts'
import { HELP } from './help.ts'
import { type Input, readInput } from './input.ts'
import { showLogs } from './logs.ts'
import { listRoutes } from './routes.ts'
import { showHealth, showRecord, showStatus, stopAnalysis } from './status.ts'
import { createTerminal, type Terminal } from './terminal.ts'
import { sendTick } from './tick.ts'
import { createTokens } from './tokens.ts'
import type { Verb } from './verbs.ts'

type RunVerb = (context: VerbContext) => Promise<void>

const VERB_RUNNERS: Readonly<Record<Verb, RunVerb>> = {
  status: showStatus,
  logs: showLogs,
  record: showRecord,
  stop: stopAnalysis,
  tick: sendTick,
  routes: listRoutes,
  healthz: showHealth,
  completion: async ({ input, terminal }) => terminal.out(completionScript(input.argument === 'zsh' ? 'zsh' : 'bash')),
}

async function run(input: Input, terminal: Terminal): Promise<void> {
  const connection = toGateway(input)
  const closeOn = (signal: NodeJS.Signals, code: number) =>
    process.once(signal, () => {
      connection.close()
      process.exit(code)
    })
  closeOn('SIGINT', 130)
  closeOn('SIGTERM', 143)
  try {
    await VERB_RUNNERS[input.verb]({
      input,
      terminal,
      api: createApi(connection, createTokens(input, process.env, terminal)),
    })
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
    if (error instanceof UsageError) {
      terminal.note(`kn po: ${error.message}\nkn po --help shows all verbs and options.`)
      return 2
    }
    terminal.note(
      error instanceof CommandError ? `kn po: ${error.message}` : `kn po: a defect: ${(error as Error).stack}`,
    )
    return 1
  }
}

/** A reader such as `head` closes the pipe early; that is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

void main(process.argv.slice(2), createTerminal()).then((code) => {
  process.exitCode = code
})
