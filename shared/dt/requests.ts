/** From checked request data to what the use cases take. */
import type { LaunchRequest } from './launch.ts'
import type { LaunchBody } from './schema.ts'

/** The schema has checked it: of `ana` and `sim` there is `ana`. */
export function launchRequest(body: LaunchBody): LaunchRequest {
  const { ana, image, version, fan_in: fanIn } = body
  if (!ana) throw new TypeError('a launch without ana passed the schema')
  return {
    labels: body.labels ?? {},
    spec: {
      image: `${image}:${version}`,
      description: body.description,
      displayName: body.display_name ?? null,
      jobType: ana.job_type,
      port: body.port ?? null,
      reps: ana.reps ?? null,
      schedule: ana.schedule ?? null,
      env: body.env ?? {},
      mountFiles: body.mount_files ?? {},
      parallelism: body.parallelism ?? null,
      retries: body.retries ?? null,
      fanIn: fanIn ? { image: fanIn.image, env: fanIn.env ?? {} } : null,
      concurrencyPolicy: body.concurrency_policy ?? null,
      historyLimit: body.history_limit ?? null,
      retentionDays: body.retention_days ?? null,
    },
  }
}
