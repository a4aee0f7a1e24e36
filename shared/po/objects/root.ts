/** The root of an incarnation: a ConfigMap without data that owns all its other objects. */
import type { ObjectOf } from '../../platform/objects.ts'
import { credentialsName, rootName } from '../names.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'

export const rootOf = ({ id, firstRun, rootKind }: RunInput) => ({
  apiVersion: 'v1' as const,
  kind: rootKind,
  metadata: { name: rootKind === 'Secret' ? credentialsName(id, firstRun) : rootName(id, firstRun) },
})

export const root = (input: RunInput): ObjectOf<'ConfigMap'> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: rootName(input.id, input.firstRun), labels: componentLabels(input, 'root', input.firstRun) },
})
