/**
 * Checks that the admission policies of this version are in the cluster. They are cluster-scoped, so no overlay contains them.
 * A deployer without permission to create them can still deploy: a missing policy is a warning.
 */
import { admission, DIGEST } from '../manifests/admission.ts'
import * as cluster from './kubectl.ts'
import { DeployError, type DeployedObject, refOf } from './objects.ts'

const COMMAND = 'kubectl apply -k knative/config/admission'

const keyOf = ({ kind, metadata }: Pick<DeployedObject, 'kind' | 'metadata'>): string => `${kind} ${metadata.name}`

/** @returns no warnings if the cluster has all policies of this version */
export function admissionWarnings(found: readonly DeployedObject[]): readonly string[] {
  const digests = new Map(found.map((object) => [keyOf(object), object.metadata.annotations?.[DIGEST]]))
  const expected = admission() as readonly DeployedObject[]
  const missing = expected.filter((object) => !digests.has(keyOf(object)))
  if (missing.length > 0) {
    return [
      `the cluster does not hold functions to their own objects: ${missing.map(keyOf).join(', ')} is missing. A function that is ` +
        `taken over could start pods with any Secret of the namespace. An administrator of the cluster applies them: ${COMMAND}`,
    ]
  }
  const changed = expected.filter((object) => digests.get(keyOf(object)) !== object.metadata.annotations?.[DIGEST])
  return changed.length === 0
    ? []
    : [
        `the admission policies in the cluster are those of another version: ${COMMAND} (${changed.map(keyOf).join(', ')})`,
      ]
}

export async function checkAdmission(): Promise<readonly string[]> {
  try {
    return admissionWarnings(await cluster.getAll((admission() as readonly DeployedObject[]).map(refOf)))
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    return [`the admission policies of the cluster could not be read; they are applied by: ${COMMAND}`]
  }
}
