/** Checks before a function listens, beyond the form of its settings: the files that they name, and the keys in these. */
import type { Config } from './config.ts'

/** @throws ConfigFault */
export type Check = (config: Config) => Promise<unknown> | unknown

const checks = new Set<Check>()

/** Registers a check; registering it again changes nothing. */
export const atStart = (check: Check): void => void checks.add(check)

export async function runChecks(config: Config): Promise<void> {
  for (const check of checks) await check(config)
}
