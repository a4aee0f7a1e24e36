/** What the objects of a service depend on, as plain values. */
import type { ServiceId, ServiceSpec } from '../model.ts'
import type { ServiceSettings } from '../settings.ts'

export interface ServiceInput {
  readonly id: ServiceId
  /** Of its resource, which owns everything. */
  readonly uid: string
  readonly spec: ServiceSpec
  /** Number of the firing of an on-demand service. */
  readonly firing: number
  /** Something is to be brought to `/input`. */
  readonly hasInputs: boolean
  readonly settings: ServiceSettings
}
