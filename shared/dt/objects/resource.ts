/** The `Analytics` resource of a launch. It always has the fields of the first version, null if not given. */
import type { CustomObject, Labels } from '../../platform/objects.ts'
import type { ServiceId, ServiceSpec } from '../model.ts'
import { API_VERSION, KIND } from '../names.ts'

const present = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

type AnalyticsSpec = Pick<ServiceSpec, 'image' | 'description' | 'jobType' | 'port' | 'schedule' | 'reps' | 'env'>

export const analyticsResource = (
  id: ServiceId,
  spec: ServiceSpec,
  labels: Labels,
): CustomObject<typeof API_VERSION, typeof KIND, { readonly spec: AnalyticsSpec }> => {
  const { image, description, jobType, port, schedule, reps, env, ...others } = spec
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: id, ...(Object.keys(labels).length > 0 ? { labels } : {}) },
    spec: { image, description, jobType, port, schedule, reps, env, ...present(others) },
  }
}
