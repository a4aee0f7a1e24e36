/** The analysis itself: an untrusted image, which gets only its own tokens. */
import { checkVolume, proofContainer } from '../../platform/isolation.ts'
import {
  deployment,
  foreignSecurity,
  isolatedPod,
  type ObjectOf,
  pullPolicyOf,
  resources,
  service,
  type V1,
} from '../../platform/objects.ts'
import { analysisSelector, credentialsName, proxyConfigName, runName } from '../names.ts'
import type { RunInput } from './input.ts'
import { runLabels } from './metadata.ts'
import { netStatsContainer } from './net-stats.ts'
import { CREDENTIAL_KEYS, pullSecretOf } from './secrets.ts'

export const ANALYSIS_PORT = 8000

const analysisLabels = (input: RunInput) => ({
  ...analysisSelector(input.id, input.run),
  ...runLabels(input),
})

/** The SDK's environment. It finds its proxy at `nginx-` + DEPLOYMENT_NAME. */
function environment({ id, run, firstRun, projectId }: RunInput): V1<'EnvVar'>[] {
  const secret = (name: string, key: string): V1<'EnvVar'> => ({
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

export function analysisService(input: RunInput): ObjectOf<'Service'> {
  const { id, run } = input
  return service({ name: runName(id, run), labels: analysisLabels(input) }, analysisSelector(id, run), ANALYSIS_PORT)
}

export function analysisDeployment(input: RunInput): ObjectOf<'Deployment'> {
  const { id, run, image, settings } = input
  const metadata = { name: runName(id, run), labels: analysisLabels(input) }
  return deployment(metadata, analysisSelector(id, run), {
    ...isolatedPod(settings.priorityClass),
    terminationGracePeriodSeconds: 15,
    imagePullSecrets: [{ name: pullSecretOf(input) }],
    ...(settings.isolation
      ? {
          initContainers: [proofContainer(settings.isolation.image)],
          volumes: [checkVolume(proxyConfigName(id, run))],
        }
      : {}),
    containers: [
      {
        name: runName(id, run),
        image,
        imagePullPolicy: pullPolicyOf(image, settings.pullPolicy),
        ports: [{ name: 'http', protocol: 'TCP', containerPort: ANALYSIS_PORT }],
        env: environment(input),
        resources: resources(settings),
        securityContext: foreignSecurity(settings.podSecurity),
      },
      ...(settings.netStatsImage ? [netStatsContainer(id, run, settings.netStatsImage)] : []),
    ],
  })
}
