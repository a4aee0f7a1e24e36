/** The endpoint of a Service: the local port of a ready pod of its selector, or a fixed address. */

import type { Kubelet } from './kubelet.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { isReady } from './pod-types.ts'
import type { Resources } from './resources.ts'
import { hasLabels } from './selectors.ts'
import type { Store } from './store.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface StaticService {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Port of the Service; its local end is `host:hostPort`. */
  readonly port: number
  readonly host: string
  readonly hostPort: number
}

interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort: number | string
}

export interface Services {
  add(namespace: string, service: StaticService): void
  /** Undefined when there is no such Service or port, or no ready pod behind it. */
  address(namespace: string, service: string, port: number | string): Address | undefined
  podAddress(pod: KubeObject, port: number | string): Address | undefined
}

export function createServices(store: Store, resources: Resources, kubelet: Kubelet): Services {
  const fixed = new Map<string, Address>()
  const kind = kindNamed('Service')

  function podAddress(pod: KubeObject, target: number | string): Address | undefined {
    const containers = kubelet.containers(pod.metadata.uid)
    const listens = containers.find(({ spec }) =>
      spec.ports?.some((one) => one.name === target || String(one.containerPort) === String(target)),
    )
    const container = listens ?? containers[0]
    return container && { host: '127.0.0.1', port: container.port }
  }

  return {
    podAddress,
    add(namespace, { name, labels, port, host, hostPort }) {
      const metadata = { name, labels }
      // Its labels stand for those of its pods: policies and peers need a selector.
      const spec = { selector: labels, ports: [{ port, targetPort: port }] }
      resources.apply(kind, namespace, name, { apiVersion: 'v1', kind: 'Service', metadata, spec }, 'sandbox', true)
      fixed.set(`${namespace}/${name}`, { host, port: hostPort })
    },
    address(namespace, name, port) {
      const service = store.get(kind, namespace, name)
      if (!service) return undefined
      const known = fixed.get(`${namespace}/${name}`)
      if (known) return known
      const { ports = [], selector } = service['spec'] as { ports?: ServicePort[]; selector?: Record<string, string> }
      const found = ports.find((one) => one.name === port || String(one.port) === String(port))
      if (!found || !selector) return undefined
      const pods = store
        .list(kindNamed('Pod'), namespace)
        .filter((pod) => isReady(pod) && hasLabels(pod.metadata.labels, selector))
      return pods[0] && podAddress(pods[0], found.targetPort)
    },
  }
}
