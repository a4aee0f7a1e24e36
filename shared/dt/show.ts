/** Services in the form of the API. */
import { statusWord } from './lifecycle.ts'
import type { Service } from './model.ts'
import type { Listed } from './ports/store.ts'

/** Name and tag, or name and digest. A colon before a slash belongs to a port. */
export function splitImage(image: string): { image: string; version: string } {
  const digest = image.indexOf('@')
  if (digest >= 0) return { image: image.slice(0, digest), version: image.slice(digest + 1) }
  const colon = image.lastIndexOf(':')
  if (colon < 0 || image.indexOf('/', colon) >= 0) return { image, version: 'latest' }
  return { image: image.slice(0, colon), version: image.slice(colon + 1) }
}

export function stateOf(service: Service) {
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
    // Other services never end.
    progress: spec.jobType === 'ondemand' ? { done: succeeded + failed, of: spec.reps ?? 1 } : null,
    url,
  }
}

const filled = (record: Readonly<Record<string, string>>) => (Object.keys(record).length > 0 ? record : null)

export const rowOf = ({ service, mounts, outputs }: Listed) => {
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
