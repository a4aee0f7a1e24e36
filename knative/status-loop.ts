/**
 * The PingSource that ticks the status loop. Its schedule follows from one number in `interval.env`, which the functions
 * read as STATUS_LOOP_INTERVAL, too: `make render` after a change of it brings the two together.
 */
import { parseEnv } from 'node:util'
import { SETTINGS } from '../shared/config.ts'
import type { KubernetesObject } from '../shared/po/ports.ts'
import { routes } from '../shared/routes.ts'
import { labelsOf } from './labels.ts'
import { pingSchedule } from './ping-schedule.ts'
import { NOTICE, yamlOf } from './yaml.ts'

const NAME = 'po-status-loop'

/** A ksvc as the sink of a source or the subscriber of a Trigger. */
export const sinkOf = ({ name }: { readonly name: string }) => ({
  ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
})

/** @throws Error when the file does not name a whole number of seconds in the setting's range */
export function readInterval(text: string): number {
  const value = SETTINGS.STATUS_LOOP_INTERVAL.parse(parseEnv(text)['STATUS_LOOP_INTERVAL'] ?? '')
  if (typeof value === 'number') return value
  throw new Error(`interval.env: STATUS_LOOP_INTERVAL: expected ${value.what}`)
}

/** The data is an object, and says so: event functions refuse ticks without data or of another type. */
export const pingSource = (intervalSeconds: number): KubernetesObject => ({
  apiVersion: 'sources.knative.dev/v1',
  kind: 'PingSource',
  metadata: { name: NAME, labels: labelsOf(NAME, 'loop') },
  spec: {
    schedule: pingSchedule(intervalSeconds).schedule,
    timezone: 'UTC',
    contentType: 'application/json',
    data: JSON.stringify({ intervalSeconds }),
    sink: sinkOf(routes.po.statusReconcile),
  },
})

export function renderPingSource(interval: string): string {
  const seconds = readInterval(interval)
  const { exact, tickSeconds, advice } = pingSchedule(seconds)
  const gate = exact ? '' : `# Ticks come every ${tickSeconds} s; each ${seconds} s one of them is let through.\n`
  return yamlOf(pingSource(seconds)).replace(NOTICE, `${NOTICE}${gate}${advice ? `# ${advice}\n` : ''}`)
}
