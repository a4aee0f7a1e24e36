/** Labels and owner references. */
import { type Labels, ownerReference, withOwner } from '../../platform/objects.ts'
import { API_VERSION, COMPONENT, KIND, LABEL } from '../names.ts'
import type { ServiceInput } from './input.ts'

export const serviceLabels = ({ id, uid, spec }: ServiceInput, component: keyof typeof COMPONENT): Labels => ({
  [LABEL.component]: COMPONENT[component],
  [LABEL.service]: id,
  [LABEL.resource]: uid,
  [LABEL.jobType]: spec.jobType,
})

/** `object` as a dependent of the service's resource, which is its controller. */
export const owned = <T extends Parameters<typeof withOwner>[1]>({ id, uid }: ServiceInput, object: T): T =>
  withOwner(
    { ...ownerReference({ apiVersion: API_VERSION, kind: KIND, metadata: { name: id } }, uid), controller: true },
    object,
  )
