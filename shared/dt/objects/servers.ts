/**
 * Persistent services: a Knative Service, which costs nothing without requests. Serving refuses init containers unless
 * its administrator allows them, so a service with inputs is a Deployment with a Service of the same name.
 */
import {
  deployment,
  foreignSecurity,
  ISOLATED,
  isolatedPod,
  type KnativeService,
  type ObjectOf,
  pullPolicyOf,
  SECCOMP,
  service,
} from '../../platform/objects.ts'
import { CONTAINER, serverName } from '../names.ts'
import { serverEnvironment, tokensVolume } from './environment.ts'
import type { ServiceInput } from './input.ts'
import { owned, serviceLabels } from './metadata.ts'
import { INPUT, imageResources, toolContainer } from './pods.ts'

/** Default of Serving and of many images. */
const PORT = 8080

const isPort = (text: string): boolean => /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535

/** The port that the image listens on: `port`, else the `PORT` that its user gave it. */
export function portOf({ port, env }: Pick<ServiceInput['spec'], 'port' | 'env'>): number {
  if (port !== null) return port
  const given = env['PORT'] ?? ''
  return isPort(given) ? Number(given) : PORT
}

const labelsOf = (input: ServiceInput) => serviceLabels(input, 'server')

export const knativeService = (input: ServiceInput): KnativeService => {
  const { id, spec, settings } = input
  const labels = labelsOf(input)
  return owned<KnativeService>(input, {
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
              imagePullPolicy: pullPolicyOf(spec.image, settings.pullPolicy),
              ports: [{ containerPort: portOf(spec) }],
              env: serverEnvironment(settings, id, spec.env),
              resources: imageResources(settings),
              securityContext: { ...foreignSecurity(settings.podSecurity), ...SECCOMP },
            },
          ],
        },
      },
    },
  })
}

export const serverDeployment = (input: ServiceInput): ObjectOf<'Deployment'> => {
  const { id, spec, settings } = input
  const labels = labelsOf(input)
  const port = portOf(spec)
  const run = { step: 'replication', firing: 0, index: 0 } as const
  return owned(
    input,
    deployment({ name: serverName(id), labels }, labels, {
      ...isolatedPod(settings.priorityClass),
      initContainers: [toolContainer(CONTAINER.inputs, { id, run, settings }, INPUT)],
      containers: [
        {
          name: CONTAINER.main,
          image: spec.image,
          imagePullPolicy: pullPolicyOf(spec.image, settings.pullPolicy),
          ports: [{ name: 'http', protocol: 'TCP', containerPort: port }],
          env: [...serverEnvironment(settings, id, spec.env), { name: 'PORT', value: String(port) }],
          resources: imageResources(settings, settings.outputLimit),
          readinessProbe: { tcpSocket: { port } },
          securityContext: foreignSecurity(settings.podSecurity),
          volumeMounts: [INPUT],
        },
      ],
      volumes: [{ name: INPUT.name, emptyDir: { sizeLimit: settings.outputLimit } }, tokensVolume(id)],
    }),
  )
}

export const serverService = (input: ServiceInput): ObjectOf<'Service'> => {
  const labels = labelsOf(input)
  return owned(input, service({ name: serverName(input.id), labels }, labels, portOf(input.spec)))
}

/** URL of the Service of a Deployment. */
export const serverUrl = ({ id, settings }: Pick<ServiceInput, 'id' | 'settings'>): string =>
  `http://${serverName(id)}.${settings.namespace}.svc.${settings.clusterDomain}`
