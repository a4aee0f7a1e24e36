/** Input of the builders of a service's objects, as plain values. */
import type { ServiceId, ServiceSpec } from '../model.ts'
import type { ServiceSettings } from '../settings.ts'

export interface ServiceInput {
  readonly id: ServiceId
  /** Of its resource, the owner of all objects. */
  readonly uid: string
  readonly spec: ServiceSpec
  /** Number of the firing of an on-demand service. */
  readonly firing: number
  /** The service has mounts, so runs need `fetch-inputs`. */
  readonly hasInputs: boolean
  readonly settings: ServiceSettings
}
