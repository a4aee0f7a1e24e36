/** The root of an incarnation: it holds nothing, and everything else of the incarnation goes with it. */

import type { KubernetesObject } from '../../platform/ports.ts'
import { credentialsName, rootName } from '../names.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'

/** Kind and name of the root, which is all that its dependents need. */
export const rootOf = ({ id, firstRun, rootKind }: RunInput): KubernetesObject => ({
  apiVersion: 'v1',
  kind: rootKind,
  metadata: { name: rootKind === 'Secret' ? credentialsName(id, firstRun) : rootName(id, firstRun) },
})

/** First of all objects. */
export const root = (input: RunInput): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: rootName(input.id, input.firstRun), labels: componentLabels(input, 'root', input.firstRun) },
})
