/** The pods that objects of a service make, whatever the object. */
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly envFrom?: readonly object[]
  readonly ports?: readonly { readonly containerPort: number }[]
  readonly resources: { readonly requests: object; readonly limits: { readonly memory?: string } }
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly startupProbe?: { readonly exec: { readonly command: readonly string[] } }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface PodSpec {
  readonly securityContext?: object
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[]
}

export interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object }
  readonly spec: PodSpec
}

/** Undefined for objects that make no pods. */
export function templateOf({ spec }: KubernetesObject): Template | undefined {
  const { template, jobTemplate } = (spec ?? {}) as {
    template?: Template
    jobTemplate?: { spec: { template: Template } }
  }
  return template ?? jobTemplate?.spec.template
}

export const templatesOf = (objects: readonly KubernetesObject[]): Template[] =>
  objects.flatMap((object) => templateOf(object) ?? [])

export const containersOf = ({ initContainers = [], containers }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
]
