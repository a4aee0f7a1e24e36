/** What commands have in common: options, exit codes, and words that are safe to print. */
import { ConfigFault } from '../settings/config.ts'

/** Nothing was begun; ends with exit code 2. */
export class CannotBegin extends Error {}

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')

/** @throws CannotBegin with the usage when `parse` throws */
export function orUsage<T>(usage: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new CannotBegin(usage)
  }
}

export const OUTPUT = { type: 'string', short: 'o', default: 'table' } as const

export function assertFormat(output: string): asserts output is 'table' | 'json' {
  if (output !== 'table' && output !== 'json') throw new TypeError(output)
}

/** What `work` resolves to; 2 when it fails. */
export async function exitCodeOf(complain: (text: string) => void, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    complain(sentenceOf(error))
    if (!(error instanceof CannotBegin || error instanceof ConfigFault)) complain('Nothing more was done.')
    return 2
  }
}
