/** The two Secrets of an incarnation. They bear the number of its first run and outlive restarts. */
import type { AnalysisSecrets } from '../model.ts'
import { credentialsName, pullSecretName } from '../names.ts'
import type { KubernetesObject } from '../ports.ts'
import type { RunInput } from './input.ts'
import { componentLabels, ownedBy } from './metadata.ts'

/** Entries of the credentials Secret; a token refresh replaces the first. */
export const CREDENTIAL_KEYS = { analysisToken: 'analysis-token', kongToken: 'kong-token' } as const

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** Kind and name of the root, which is all that its dependents need. */
export const rootOf = ({ id, firstRun }: RunInput): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: credentialsName(id, firstRun) },
})

/** The root of the incarnation: first of all objects. */
export function credentialsSecret(input: RunInput, token: string, kongToken: string): KubernetesObject {
  const root = rootOf(input)
  return {
    ...root,
    metadata: { ...root.metadata, labels: componentLabels(input, 'credentials', input.firstRun) },
    type: 'Opaque',
    data: { [CREDENTIAL_KEYS.analysisToken]: base64(token), [CREDENTIAL_KEYS.kongToken]: base64(kongToken) },
  }
}

/** Login for the registry, of this analysis alone; names and passwords are taken as they are, in UTF-8. */
export function pullSecret(
  input: RunInput,
  rootUid: string,
  registryHost: string,
  { registryUser: username, registryPassword: password }: Pick<AnalysisSecrets, 'registryUser' | 'registryPassword'>,
): KubernetesObject {
  const login = { username, password, auth: base64(`${username}:${password}`) }
  return ownedBy(rootOf(input), rootUid, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: pullSecretName(input.id, input.firstRun),
      labels: componentLabels(input, 'pullSecret', input.firstRun),
    },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(JSON.stringify({ auths: { [registryHost]: login } })) },
  })
}
