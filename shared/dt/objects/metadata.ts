/** Labels and owner references. */

import type { KubernetesObject } from '../../platform/ports.ts'
import { API_VERSION, COMPONENT, KIND, LABEL } from '../names.ts'
import type { ServiceInput } from './input.ts'

export type Labels = Readonly<Record<string, string>>

export const serviceLabels = ({ id, uid, spec }: ServiceInput, component: keyof typeof COMPONENT): Labels => ({
  [LABEL.component]: COMPONENT[component],
  [LABEL.service]: id,
  [LABEL.resource]: uid,
  [LABEL.jobType]: spec.jobType,
})

/** `object`, which goes when the service's resource goes, and which it waits for when it is deleted in the foreground. */
export const owned = ({ id, uid }: ServiceInput, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [
      { apiVersion: API_VERSION, kind: KIND, name: id, uid, controller: true, blockOwnerDeletion: true },
    ],
  },
})
