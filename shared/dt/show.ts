/** What callers are told of a service. */
import { statusWord } from './lifecycle.ts'
import type { Phase, Service, ServiceId, ServiceStatusWord } from './model.ts'
import type { Listed } from './ports/store.ts'

interface Counters {
  readonly active_runs: number
  readonly succeeded_runs: number
  readonly failed_runs: number
  readonly total_runs: number
}

export interface ShownState extends Counters {
  readonly status: ServiceStatusWord
  readonly phase: Phase
  readonly reason: string | null
  /** Runs that are over, of those there are to be; null for what never ends. */
  readonly progress: { readonly done: number; readonly of: number } | null
  readonly url: string | null
}

export interface ListRow extends ShownState {
  readonly id: ServiceId
  readonly image: string
  readonly version: string
  readonly description: string
  readonly display_name: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly job_type: string
  readonly reps: number | null
  readonly schedule: string | null
  readonly mount_files: Readonly<Record<string, string>> | null
  readonly output_files: Readonly<Record<string, string>> | null
  readonly created_at: number
}

/** `name` and what follows the tag's colon, which a digest is in place of; a colon before a slash is that of a port. */
export function splitImage(image: string): { image: string; version: string } {
  const digest = image.indexOf('@')
  if (digest >= 0) return { image: image.slice(0, digest), version: image.slice(digest + 1) }
  const colon = image.lastIndexOf(':')
  if (colon < 0 || image.indexOf('/', colon) >= 0) return { image, version: 'latest' }
  return { image: image.slice(0, colon), version: image.slice(colon + 1) }
}

const hasEnd = ({ spec }: Service): boolean => spec.jobType === 'ondemand'

export function stateOf(service: Service): ShownState {
  const { counts, phase, reason, url, spec } = service
  const { active, succeeded, failed } = counts
  return {
    active_runs: active,
    succeeded_runs: succeeded,
    failed_runs: failed,
    total_runs: active + succeeded + failed,
    status: statusWord(service),
    phase,
    reason,
    progress: hasEnd(service) ? { done: succeeded + failed, of: spec.reps ?? 1 } : null,
    url,
  }
}

const filled = (record: Readonly<Record<string, string>>) => (Object.keys(record).length > 0 ? record : null)

export const rowOf = ({ service, mounts, outputs }: Listed): ListRow => {
  const { id, spec, labels, createdAt } = service
  return {
    id,
    ...splitImage(spec.image),
    description: spec.description,
    display_name: spec.displayName,
    labels,
    job_type: spec.jobType,
    reps: spec.reps,
    schedule: spec.schedule,
    mount_files: filled(mounts),
    output_files: filled(outputs),
    created_at: createdAt.getTime() / 1000,
    ...stateOf(service),
  }
}
