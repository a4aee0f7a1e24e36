/**
 * Persistent services: a Knative Service, which costs nothing while nobody asks it. Serving refuses init containers unless
 * its administrator allows them, so a service with inputs is a Deployment with a Service of the same name.
 */

import type { KubernetesObject } from '../../platform/ports.ts'
import { CONTAINER, serverName } from '../names.ts'
import { serverEnvironment, TOKEN_MOUNT, tokensVolume, toolEnvironment } from './environment.ts'
import type { ServiceInput } from './input.ts'
import { owned, serviceLabels } from './metadata.ts'
import {
  ISOLATED,
  imageSecurity,
  prioritised,
  pullPolicy,
  resources,
  SECCOMP,
  toolResources,
  toolSecurity,
} from './pods.ts'

/** What Serving, and many images, take for granted. */
const PORT = 8080

const isPort = (text: string): boolean => /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535

/** The port that the image listens on: `port`, else the `PORT` that its user gave it. */
export function portOf({ port, env }: Pick<ServiceInput['spec'], 'port' | 'env'>): number {
  if (port !== null) return port
  const given = env['PORT'] ?? ''
  return isPort(given) ? Number(given) : PORT
}

const labelsOf = (input: ServiceInput) => serviceLabels(input, 'server')

export const knativeService = (input: ServiceInput): KubernetesObject => {
  const { id, spec, settings } = input
  const labels = labelsOf(input)
  return owned(input, {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: serverName(id), labels },
    spec: {
      template: {
        metadata: {
          labels,
          annotations: { 'autoscaling.knative.dev/min-scale': '0', 'autoscaling.knative.dev/max-scale': '1' },
        },
        spec: {
          ...ISOLATED,
          containers: [
            {
              name: CONTAINER.main,
              image: spec.image,
              imagePullPolicy: pullPolicy(spec.image, settings),
              ports: [{ containerPort: portOf(spec) }],
              env: serverEnvironment(settings, id, spec.env),
              resources: resources(settings),
              securityContext: { ...imageSecurity(settings), ...SECCOMP },
            },
          ],
        },
      },
    },
  })
}

export const serverDeployment = (input: ServiceInput): KubernetesObject => {
  const { id, spec, settings } = input
  const labels = labelsOf(input)
  const port = portOf(spec)
  const inputs = { name: 'shared-data', mountPath: '/input' }
  return owned(input, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: serverName(id), labels },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 0,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labelsOf(input) },
      template: {
        metadata: { labels },
        spec: {
          ...ISOLATED,
          ...prioritised(settings),
          securityContext: SECCOMP,
          initContainers: [
            {
              name: CONTAINER.inputs,
              image: settings.toolsImage,
              imagePullPolicy: 'IfNotPresent',
              env: toolEnvironment(CONTAINER.inputs, settings, id, { step: 'replication', firing: 0, index: 0 }),
              resources: toolResources(settings),
              securityContext: toolSecurity(settings),
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts: [inputs, TOKEN_MOUNT],
            },
          ],
          containers: [
            {
              name: CONTAINER.main,
              image: spec.image,
              imagePullPolicy: pullPolicy(spec.image, settings),
              ports: [{ name: 'http', protocol: 'TCP', containerPort: port }],
              env: [...serverEnvironment(settings, id, spec.env), { name: 'PORT', value: String(port) }],
              resources: resources(settings, settings.outputLimit),
              readinessProbe: { tcpSocket: { port } },
              securityContext: imageSecurity(settings),
              volumeMounts: [inputs],
            },
          ],
          volumes: [{ name: 'shared-data', emptyDir: { sizeLimit: settings.outputLimit } }, tokensVolume(id)],
        },
      },
    },
  })
}

export const serverService = (input: ServiceInput): KubernetesObject =>
  owned(input, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serverName(input.id), labels: labelsOf(input) },
    spec: {
      type: 'ClusterIP',
      selector: labelsOf(input),
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: portOf(input.spec) }],
    },
  })

/** Where the Service of a Deployment is reached. */
export const serverUrl = ({ id, settings }: Pick<ServiceInput, 'id' | 'settings'>): string =>
  `http://${serverName(id)}.${settings.namespace}.svc.${settings.clusterDomain}`
