/** The `Analytics` resource that a launch makes: the fields of old always there, null where nothing was given. */

import type { KubernetesObject } from '../../platform/ports.ts'
import type { ServiceId, ServiceSpec } from '../model.ts'
import { API_VERSION, KIND } from '../names.ts'

const present = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

export const analyticsResource = (
  id: ServiceId,
  spec: ServiceSpec,
  labels: Readonly<Record<string, string>>,
): KubernetesObject => {
  const { image, description, jobType, port, schedule, reps, env, ...others } = spec
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: id, ...(Object.keys(labels).length > 0 ? { labels } : {}) },
    spec: { image, description, jobType, port, schedule, reps, env, ...present(others) },
  }
}
