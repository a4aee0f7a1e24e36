/** The Secret with a service's token: mounted where inputs are fetched and outputs are sent, and nowhere else. */
import { TOKEN_KEY, tokenName } from '../names.ts'
import type { KubernetesObject } from '../ports.ts'
import type { ServiceInput } from './input.ts'
import { owned, serviceLabels } from './metadata.ts'

export const tokenSecret = (input: ServiceInput, token: string): KubernetesObject =>
  owned(input, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenName(input.id), labels: serviceLabels(input, 'token') },
    type: 'Opaque',
    data: { [TOKEN_KEY]: Buffer.from(token, 'utf8').toString('base64') },
  })
