/** The analysis itself: an image of others that nothing is trusted with but its own tokens. */

import type { KubernetesObject } from '../../platform/ports.ts'
import { analysisSelector, credentialsName, runName } from '../names.ts'
import type { RunSettings } from '../settings.ts'
import type { RunInput } from './input.ts'
import { runLabels } from './metadata.ts'
import { netStatsContainer } from './net-stats.ts'
import { ANALYSIS_PORT, CONFINED, deployment, nonRoot, prioritised, service } from './pods.ts'
import { CREDENTIAL_KEYS, pullSecretOf } from './secrets.ts'

/** Whom analyses run as where the site demands non-root; images are seldom built for a user of their own. */
const USER = 10_001

const analysisLabels = (input: RunInput) => ({
  ...analysisSelector(input.id, input.run),
  ...runLabels(input),
})

const quantities = (cpu: string, memory: string, disk: string) => ({
  ...(cpu ? { cpu } : {}),
  ...(memory ? { memory } : {}),
  ...(disk ? { 'ephemeral-storage': disk } : {}),
})

/** Without a request of its own, the scheduler would reserve all that the limit allows. */
const DISK_REQUEST = '64Mi'

const resources = ({ cpuRequest, cpuLimit, memoryRequest, memoryLimit, diskLimit }: RunSettings) => ({
  requests: quantities(cpuRequest, memoryRequest, diskLimit && DISK_REQUEST),
  limits: quantities(cpuLimit, memoryLimit, diskLimit),
})

/** A digest names one content for ever; behind a tag both the content and who may have it change. */
const pullPolicy = (image: string, { pullPolicy: chosen }: RunSettings) =>
  chosen === 'auto' ? (image.includes('@') ? 'IfNotPresent' : 'Always') : chosen

/** What the SDK reads; it finds its proxy at `nginx-` + DEPLOYMENT_NAME. */
function environment({ id, run, firstRun, projectId }: RunInput) {
  const secret = (name: string, key: string) => ({
    name,
    valueFrom: { secretKeyRef: { name: credentialsName(id, firstRun), key } },
  })
  return [
    secret('DATA_SOURCE_TOKEN', CREDENTIAL_KEYS.kongToken),
    secret('KEYCLOAK_TOKEN', CREDENTIAL_KEYS.analysisToken),
    { name: 'ANALYSIS_ID', value: id },
    { name: 'PROJECT_ID', value: projectId },
    { name: 'DEPLOYMENT_NAME', value: runName(id, run) },
  ]
}

export function analysisService(input: RunInput): KubernetesObject {
  const { id, run } = input
  return service(runName(id, run), analysisLabels(input), analysisSelector(id, run), ANALYSIS_PORT)
}

export function analysisDeployment(input: RunInput): KubernetesObject {
  const { id, run, image, settings } = input
  return deployment(runName(id, run), analysisLabels(input), analysisSelector(id, run), {
    ...prioritised(settings),
    terminationGracePeriodSeconds: 15,
    imagePullSecrets: [{ name: pullSecretOf(input) }],
    containers: [
      {
        name: runName(id, run),
        image,
        imagePullPolicy: pullPolicy(image, settings),
        ports: [{ name: 'http', protocol: 'TCP', containerPort: ANALYSIS_PORT }],
        env: environment(input),
        resources: resources(settings),
        securityContext: { ...CONFINED, ...(settings.podSecurity === 'restricted' ? nonRoot(USER) : {}) },
      },
      ...(settings.netStatsImage ? [netStatsContainer(id, run, settings.netStatsImage)] : []),
    ],
  })
}
