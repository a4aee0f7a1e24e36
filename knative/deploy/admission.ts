/**
 * Whether the API server holds functions to their own objects. The policies are of the whole cluster, so that no overlay brings
 * them and a deployment by somebody who may not make them goes on: it warns.
 */
import { admission, DIGEST } from '../manifests/admission.ts'
import * as cluster from './kubectl.ts'
import { type DeployedObject, Refused, refOf } from './objects.ts'

const HOW = 'kubectl apply -k knative/config/admission'

const keyOf = ({ kind, metadata }: Pick<DeployedObject, 'kind' | 'metadata'>): string => `${kind} ${metadata.name}`

/** What is not as this version has it; empty when all policies are there and in force. */
export function admissionWarnings(found: readonly DeployedObject[]): readonly string[] {
  const digests = new Map(found.map((object) => [keyOf(object), object.metadata.annotations?.[DIGEST]]))
  const wanted = admission() as readonly DeployedObject[]
  const missing = wanted.filter((object) => !digests.has(keyOf(object)))
  if (missing.length > 0) {
    return [
      `the cluster does not hold functions to their own objects: ${missing.map(keyOf).join(', ')} is missing. A function that is ` +
        `taken over could start pods with any Secret of the namespace. An administrator of the cluster applies them: ${HOW}`,
    ]
  }
  const other = wanted.filter((object) => digests.get(keyOf(object)) !== object.metadata.annotations?.[DIGEST])
  return other.length === 0
    ? []
    : [`the admission policies in the cluster are those of another version: ${HOW} (${other.map(keyOf).join(', ')})`]
}

export async function checkAdmission(): Promise<readonly string[]> {
  try {
    return admissionWarnings(await cluster.getAll((admission() as readonly DeployedObject[]).map(refOf)))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return [`the admission policies of the cluster could not be read; they are applied by: ${HOW}`]
  }
}
