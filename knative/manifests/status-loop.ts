/**
 * The PingSource of the status loop as a file. `make render` derives its schedule from `interval.env`, which the functions
 * read as STATUS_LOOP_INTERVAL.
 */
import { parseEnv } from 'node:util'
import { SETTINGS } from '../../shared/settings/config.ts'
import { pingSchedule, pingSource } from './ping-source.ts'
import { NOTICE, yamlOf } from './yaml.ts'

/** @throws Error when the file does not name a whole number of seconds in the setting's range */
export function readInterval(text: string): number {
  const value = SETTINGS.STATUS_LOOP_INTERVAL.parse(parseEnv(text)['STATUS_LOOP_INTERVAL'] ?? '')
  if (typeof value === 'number') return value
  throw new Error(`interval.env: STATUS_LOOP_INTERVAL: expected ${value.what}`)
}

export function renderPingSource(interval: string): string {
  const seconds = readInterval(interval)
  const { exact, tickSeconds, advice } = pingSchedule(seconds)
  const gate = exact ? '' : `# Ticks come every ${tickSeconds} s; each ${seconds} s one of them is let through.\n`
  return yamlOf(pingSource(seconds)).replace(NOTICE, `${NOTICE}${gate}${advice ? `# ${advice}\n` : ''}`)
}
