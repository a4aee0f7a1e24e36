/** The Secret of an incarnation. It bears the number of its first run and outlives restarts. */
import { type ObjectOf, ownerReference, withOwner } from '../../platform/objects.ts'
import type { AnalysisSecrets } from '../model.ts'
import { credentialsName, formerPullSecretName } from '../names.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'
import { rootOf } from './root.ts'

/** Entries that the analysis's container reads; a token refresh replaces the first. */
export const CREDENTIAL_KEYS = { analysisToken: 'analysis-token', kongToken: 'kong-token' } as const

export interface RunCredentials extends AnalysisSecrets {
  /** The analysis's own. */
  readonly token: string
  /** Of which `login` is. */
  readonly registryHost: string
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** Names and passwords are taken as they are, in UTF-8. Without a login no registry is named, and images are pulled openly. */
function auths({ login, registryHost }: RunCredentials): object {
  if (!login) return {}
  const { user: username, password } = login
  return { [registryHost]: { username, password, auth: base64(`${username}:${password}`) } }
}

/**
 * Tokens of the analysis and login for its registry in one Secret, which costs one write: the kubelet reads the one entry
 * that the type names, and a container what its variables name. The type is the same with and without a login, because it
 * cannot be changed later.
 */
export const credentialsSecret = (input: RunInput, rootUid: string, credentials: RunCredentials): ObjectOf<'Secret'> =>
  withOwner<ObjectOf<'Secret'>>(ownerReference(rootOf(input), rootUid), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: credentialsName(input.id, input.firstRun),
      labels: componentLabels(input, 'credentials', input.firstRun),
    },
    type: 'kubernetes.io/dockerconfigjson',
    data: {
      '.dockerconfigjson': base64(JSON.stringify({ auths: auths(credentials) })),
      [CREDENTIAL_KEYS.analysisToken]: base64(credentials.token),
      [CREDENTIAL_KEYS.kongToken]: base64(credentials.kongToken),
    },
  })

/** The Secret that the kubelet finds the login in. */
export const pullSecretOf = ({ id, firstRun, rootKind }: RunInput): string =>
  rootKind === 'Secret' ? formerPullSecretName(id, firstRun) : credentialsName(id, firstRun)
