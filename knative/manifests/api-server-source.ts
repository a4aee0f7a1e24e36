/**
 * ApiServerSources, which send hints to a loop: that an object changed, without its content. The account may only read. An
 * ApiServerSource guesses plurals wrong, so none watches a custom resource.
 */
import type { V1 } from '../../shared/platform/objects.ts'
import type { Route } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'
import { sinkOf } from './ping-source.ts'
import { accessOf } from './rbac.ts'

const READ = ['get', 'list', 'watch']

export const mayRead = (apiGroup: string, resource: string): V1<'PolicyRule'> => ({
  apiGroups: [apiGroup],
  resources: [resource],
  verbs: READ,
})

interface Hints {
  readonly resources: readonly { apiVersion: string; kind: string; selector: V1<'LabelSelector'> }[]
  readonly rules: readonly V1<'PolicyRule'>[]
  readonly sink: Route
}

export function hints(name: string, { resources, rules, sink }: Hints) {
  const source = {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'ApiServerSource',
    metadata: { name, labels: labelsOf(name, 'loop') },
    spec: { serviceAccountName: name, mode: 'Reference', resources, sink: sinkOf(sink) },
  }
  return [...accessOf(name, 'loop', rules), source]
}
