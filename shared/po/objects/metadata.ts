/** Labels and owner references. */

import type { KubernetesObject, OwnerReference } from '../../platform/ports.ts'
import type { RunNumber } from '../model.ts'
import { COMPONENT, LABEL } from '../names.ts'
import type { RunInput } from './input.ts'

type Labels = Readonly<Record<string, string>>

/** The nearest thing to a text that may be a label's value; empty if there is none. */
export const labelValue = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '')

/** What every object of a run says about where it belongs. */
export function runLabels(input: RunInput, run: RunNumber = input.run): Labels {
  const node = labelValue(input.settings.node)
  return {
    [LABEL.analysis]: input.id,
    [LABEL.run]: String(run),
    [LABEL.project]: input.projectId,
    ...(node ? { [LABEL.node]: node } : {}),
  }
}

export const componentLabels = (input: RunInput, component: keyof typeof COMPONENT, run?: RunNumber): Labels => ({
  component: COMPONENT[component],
  ...runLabels(input, run),
})

/** Whoever has it goes when `owner` goes, and `owner` waits for it when it is deleted in the foreground. */
export const ownerReference = (
  owner: Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>,
  uid: string,
): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid,
  controller: false,
  blockOwnerDeletion: true,
})

/** `object` with this owner. */
export const ownedBy = (owner: KubernetesObject, uid: string, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, ownerReferences: [ownerReference(owner, uid)] },
})
