/**
 * The probe of the loop: a pod that is closed like an analysis and proves isolation without one. It may use DNS, which is its
 * only way out. Its ConfigMap owns the other objects.
 */
import { dnsEgress } from '../../platform/dns-egress.ts'
import { CHECK_KEY, checkText, checkVolume, proofContainer } from '../../platform/isolation.ts'
import {
  deployment,
  isolatedPod,
  networkPolicy,
  type ObjectOf,
  ownerReference,
  withOwner,
} from '../../platform/objects.ts'
import type { KubernetesObject } from '../../platform/ports.ts'
import { COMPONENT, PROBE_NAME } from '../names.ts'
import type { IsolationSettings } from '../settings.ts'
import type { RunInput } from './input.ts'
import { closedTargets } from './isolation.ts'

interface ProbeInput extends Pick<RunInput, 'peers' | 'settings'> {
  readonly isolation: IsolationSettings
}

export const PROBE_SELECTOR = { app: PROBE_NAME, component: COMPONENT.analysis } as const
const metadata = { name: PROBE_NAME, labels: PROBE_SELECTOR }

export const probeRoot = (input: ProbeInput): ObjectOf<'ConfigMap'> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata,
  data: {
    [CHECK_KEY]: checkText({
      mustFail: closedTargets(input),
      mustWork: [{ name: 'name server', host: input.settings.resolver, port: 53 }],
    }),
  },
})

/** The policy first. */
export const objectsOfProbe = (input: ProbeInput, rootUid: string): readonly KubernetesObject[] => {
  const owner = ownerReference(probeRoot(input), rootUid)
  return [
    withOwner(
      owner,
      networkPolicy(metadata, { matchLabels: PROBE_SELECTOR }, { egress: dnsEgress(input.settings.dnsPeers) }),
    ),
    withOwner(
      owner,
      deployment(metadata, PROBE_SELECTOR, {
        ...isolatedPod(input.settings.priorityClass),
        terminationGracePeriodSeconds: 1,
        containers: [proofContainer(input.isolation.image)],
        volumes: [checkVolume(PROBE_NAME)],
      }),
    ),
  ]
}
