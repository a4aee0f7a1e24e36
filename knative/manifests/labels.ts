/** Labels of the installation. Policies, waiting for a rollout and removing everything select by them. */

export const PART_OF = 'knative-pod-orchestration'

export type Component = 'function' | 'gateway' | 'migrate' | 'loop' | 'settings' | 'isolation' | 'runs'

export const selectorOf = (component: Component) => ({
  'app.kubernetes.io/part-of': PART_OF,
  'app.kubernetes.io/component': component,
})

export const labelsOf = (name: string, component: Component) => ({
  'app.kubernetes.io/name': name,
  ...selectorOf(component),
})
