/** The Secret of an incarnation. Its name has the number of the first run, and restarts keep it. */
import { type ObjectOf, ownerReference, withOwner } from '../../platform/objects.ts'
import type { AnalysisSecrets } from '../model.ts'
import { credentialsName, formerPullSecretName } from '../names.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'
import { rootOf } from './root.ts'

/** Entries that the analysis's container reads; a token refresh replaces `analysisToken`. */
export const CREDENTIAL_KEYS = { analysisToken: 'analysis-token', kongToken: 'kong-token' } as const

export interface RunCredentials extends AnalysisSecrets {
  /** Token of the analysis's own client. */
  readonly token: string
  /** The registry of `login`. */
  readonly registryHost: string
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** Without a login, images are pulled anonymously. */
function auths({ login, registryHost }: RunCredentials): object {
  if (!login) return {}
  const { user: username, password } = login
  return { [registryHost]: { username, password, auth: base64(`${username}:${password}`) } }
}

/**
 * Tokens of the analysis and login for its registry share one Secret, which costs one write. The type is the same with and
 * without a login, because it is immutable.
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

export const pullSecretOf = ({ id, firstRun, rootKind }: RunInput): string =>
  rootKind === 'Secret' ? formerPullSecretName(id, firstRun) : credentialsName(id, firstRun)
