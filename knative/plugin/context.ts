/** What a verb runs with. */
import type { NodeApi } from './api.ts'
import type { Input } from './input.ts'
import type { Terminal } from './terminal.ts'

export interface VerbContext {
  readonly input: Input
  readonly terminal: Terminal
  readonly api: NodeApi
}

/** The id, which `readInput` has validated. */
export const idOf = ({ argument = '' }: Input): string => argument
