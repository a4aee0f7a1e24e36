/**
 * The Secret with the tokens of a service's runs, each under the index of its run. Only the containers of our programs mount it,
 * and only the token of their index.
 */
import type { ObjectOf } from '../../platform/objects.ts'
import { tokensName } from '../names.ts'
import type { RunGrant } from '../ports.ts'
import type { ServiceInput } from './input.ts'
import { owned, serviceLabels } from './metadata.ts'

/** One per index; the fan-in has the index after the last replication. All firings use the same template. */
function grantsOf({ id, uid, spec, firing, settings }: ServiceInput): RunGrant[] {
  const reps = spec.reps ?? 1
  const common = {
    serviceId: id,
    uid,
    firing: spec.jobType === 'scheduled' ? null : firing,
    retries: spec.retries ?? settings.retries,
  }
  const replications = Array.from({ length: reps }, (_, index) => ({ ...common, step: 'replication' as const, index }))
  return spec.fanIn ? [...replications, { ...common, step: 'fan-in', index: reps }] : replications
}

export const tokensSecret = (input: ServiceInput, tokenOf: (grant: RunGrant) => string): ObjectOf<'Secret'> =>
  owned<ObjectOf<'Secret'>>(input, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokensName(input.id), labels: serviceLabels(input, 'token') },
    type: 'Opaque',
    data: Object.fromEntries(
      grantsOf(input).map((grant) => [String(grant.index), Buffer.from(tokenOf(grant), 'utf8').toString('base64')]),
    ),
  })
