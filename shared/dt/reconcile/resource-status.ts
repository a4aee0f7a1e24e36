/** What stands in the status of a resource. Pure. */
import { isEnded, type Phase, type Service } from '../model.ts'
import type { Resource } from '../ports/cluster.ts'
import { repsOf } from './runs.ts'

type Fields = Readonly<Record<string, unknown>>

interface Condition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly observedGeneration: number
}

const capital = (phase: Phase): string => `${phase.charAt(0).toUpperCase()}${phase.slice(1)}`

const conditionsOf = ({ status }: Resource): readonly Partial<Condition>[] =>
  Array.isArray(status['conditions']) ? (status['conditions'] as Partial<Condition>[]) : []

/** The time of its last change stays where nothing changed. */
function condition(resource: Resource, type: string, holds: boolean, message: string, now: Date): Condition {
  const status = holds ? 'True' : 'False'
  const before = conditionsOf(resource).find((one) => one.type === type)
  const since = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : undefined
  return {
    type,
    status,
    reason: holds ? type : `Not${type}`,
    message,
    // Kubernetes keeps whole seconds.
    lastTransitionTime: since ?? now.toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: resource.generation,
  }
}

/** A null takes a field away. */
export const statusOf = (service: Service, resource: Resource, now: Date): Fields => {
  const { phase, counts, reason, url, spec } = service
  const say = (type: string, holds: boolean, message = '') => condition(resource, type, holds, message, now)
  return {
    phase: capital(phase),
    counts: { ...(spec.jobType === 'persistent' ? {} : { requested: repsOf(service) }), ...counts },
    lastError: reason,
    url,
    observedGeneration: resource.generation,
    conditions: [
      say('Accepted', true),
      say('Complete', phase === 'succeeded'),
      say('Failed', phase === 'failed', phase === 'failed' ? (reason ?? '') : ''),
    ],
  }
}

/** Of a resource that cannot be acted on. */
export const rejectedStatus = (resource: Resource, reason: string, now: Date): Fields => ({
  phase: capital('failed'),
  lastError: reason,
  observedGeneration: resource.generation,
  conditions: [
    condition(resource, 'Accepted', false, reason, now),
    condition(resource, 'Complete', false, '', now),
    condition(resource, 'Failed', true, reason, now),
  ],
})

export const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined)
  return Object.fromEntries(
    entries.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([k, v]) => [k, canonical(v)]),
  )
}

/** True when the resource says all of this already. */
export function isSaid({ status }: Resource, wanted: Fields): boolean {
  const said = Object.fromEntries(Object.keys(wanted).map((key) => [key, status[key]]))
  return JSON.stringify(canonical(said)) === JSON.stringify(canonical(wanted))
}

/** There is nothing left to do for it, and its status says so. */
export const isFinished = ({ phase }: Pick<Service, 'phase'>): boolean => isEnded(phase)
