/** The root of an incarnation: it holds nothing, and everything else of the incarnation goes with it. */
import type { ObjectOf } from '../../platform/objects.ts'
import { credentialsName, rootName } from '../names.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'

/** Kind and name of the root: what an owner reference needs. */
export const rootOf = ({ id, firstRun, rootKind }: RunInput) => ({
  apiVersion: 'v1' as const,
  kind: rootKind,
  metadata: { name: rootKind === 'Secret' ? credentialsName(id, firstRun) : rootName(id, firstRun) },
})

/** First of all objects. */
export const root = (input: RunInput): ObjectOf<'ConfigMap'> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: rootName(input.id, input.firstRun), labels: componentLabels(input, 'root', input.firstRun) },
})
