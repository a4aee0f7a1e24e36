/** The status of an `Analytics` resource: phase, counts and conditions. Pure. */
import type { Phase, Service } from '../model.ts'
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

/** A condition that has not changed keeps the time of its last transition. */
function condition(resource: Resource, type: string, holds: boolean, message: string, now: Date): Condition {
  const status = holds ? 'True' : 'False'
  const before = conditionsOf(resource).find((one) => one.type === type)
  const since = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : undefined
  return {
    type,
    status,
    reason: holds ? type : `Not${type}`,
    message,
    // Kubernetes stores whole seconds.
    lastTransitionTime: since ?? now.toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: resource.generation,
  }
}

/** As a merge patch: null removes a field. */
export const statusOf = (service: Service, resource: Resource, now: Date): Fields => {
  const { phase, counts, reason, url, spec } = service
  const conditionOf = (type: string, holds: boolean, message = '') => condition(resource, type, holds, message, now)
  return {
    phase: capital(phase),
    counts: { ...(spec.jobType === 'persistent' ? {} : { requested: repsOf(service) }), ...counts },
    lastError: reason,
    url,
    observedGeneration: resource.generation,
    conditions: [
      conditionOf('Accepted', true),
      conditionOf('Complete', phase === 'succeeded'),
      conditionOf('Failed', phase === 'failed', phase === 'failed' ? (reason ?? '') : ''),
    ],
  }
}

/** The status of a resource whose spec is not acceptable. */
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

/** Without null and absent fields, and with sorted keys: equal values have equal JSON. */
export const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined)
  return Object.fromEntries(
    entries.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([k, v]) => [k, canonical(v)]),
  )
}

/** True if the resource has this status already; other fields of it do not matter. */
export function isUpToDate({ status }: Resource, wanted: Fields): boolean {
  const present = Object.fromEntries(Object.keys(wanted).map((key) => [key, status[key]]))
  return JSON.stringify(canonical(present)) === JSON.stringify(canonical(wanted))
}
