/** The Knative Service of a route, as far as tests look at it. */
import type { Route } from '../../shared/routes/index.ts'
import { only } from './read.ts'

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: Readonly<Record<string, { readonly name: string; readonly key: string }>>
}
interface KsvcPod {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken?: boolean
  readonly timeoutSeconds: number
  readonly containerConcurrency: number
  readonly containers: readonly [
    {
      readonly image: string
      readonly env: readonly Variable[]
      readonly resources: Readonly<Record<'requests' | 'limits', { readonly memory: string }>>
      readonly readinessProbe?: object
      readonly volumeMounts?: readonly { readonly mountPath: string }[]
    },
  ]
}
interface Template {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: KsvcPod
}
export const ksvc = (route: Route) => {
  const object = only(`knative/config/base/services/${route.name}.yaml`)
  return { object, ...(object['spec'] as { template: Template }).template }
}
