/** From validated requests to the input of use cases. */
import type { LaunchRequest } from './launch.ts'
import type { LaunchBody } from './schema.ts'

/** Null for an omitted field. */
const given = <T>(value: T | null | undefined): T | null => value ?? null

/** The schema accepts only a body with `ana`. */
export function launchRequest(body: LaunchBody): LaunchRequest {
  const { ana, image, version, labels, env, mount_files: mountFiles, fan_in: fanIn } = body
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
      fanIn: fanIn ? { image: fanIn.image, env: fanIn.env ?? {} } : null,
      concurrencyPolicy: given(body.concurrency_policy),
      historyLimit: given(body.history_limit),
      retentionDays: given(body.retention_days),
    },
  }
}
