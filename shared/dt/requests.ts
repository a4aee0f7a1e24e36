/** From checked request data to what the use cases take. */
import type { LaunchRequest } from './launch.ts'
import type { FanIn } from './model.ts'
import type { LaunchBody } from './schema.ts'

/** Null for a field that is left out. */
const given = <T>(value: T | null | undefined): T | null => value ?? null

function fanInOf({ fan_in: fanIn }: LaunchBody): FanIn | null {
  return fanIn ? { image: fanIn.image, env: fanIn.env ?? {} } : null
}

/** The schema accepts only a body with `ana`. */
export function launchRequest(body: LaunchBody): LaunchRequest {
  const { ana, image, version, labels, env, mount_files: mountFiles } = body
  if (!ana) throw new TypeError('a launch without ana passed the schema')
  return {
    labels: labels ?? {},
    spec: {
      image: `${image}:${version}`,
      description: body.description,
      displayName: given(body.display_name),
      jobType: ana.job_type,
      port: given(body.port),
      reps: given(ana.reps),
      schedule: given(ana.schedule),
      env: env ?? {},
      mountFiles: mountFiles ?? {},
      parallelism: given(body.parallelism),
      retries: given(body.retries),
      fanIn: fanInOf(body),
      concurrencyPolicy: given(body.concurrency_policy),
      historyLimit: given(body.history_limit),
      retentionDays: given(body.retention_days),
    },
  }
}
