/** What a function checks before it listens, beyond the shape of its settings: files that they name, keys in them. */
import type { Config } from '../settings/config.ts'

/** @throws ConfigFault */
export type Check = (config: Config) => Promise<unknown> | unknown

const checks = new Set<Check>()

/** Notes a check; the same one counts once. */
export const atStart = (check: Check): void => void checks.add(check)

export async function runChecks(config: Config): Promise<void> {
  for (const check of checks) await check(config)
}
