/**
 * Keycloak: clients and their tokens. A token takes two requests, as with the real one: the client is created if missing, then
 * a token is issued; in between the client may have been removed.
 */
import { Fault } from '../../../shared/platform/fault.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import type { Identity, Token } from '../../../shared/po/ports/identity.ts'
import type { Timeline } from '../core/timeline.ts'
import { SECRET } from './secrets.ts'

/** A request of a process to Keycloak. */
export type Request = <T>(name: string, args: readonly unknown[], act: () => Promise<T>) => Promise<T>

export interface IdentityModel {
  readonly clients: ReadonlySet<AnalysisId>
  /** The analysis and expiry of a valid token. */
  readonly tokens: ReadonlyMap<string, { readonly id: AnalysisId; readonly expiresAt: Date }>
  readonly identityOver: (request: Request) => Identity
}

export interface IdentityOptions {
  readonly timeline: Pick<Timeline, 'now'>
  readonly tokenSeconds: number
  readonly clientRemoved: (id: AnalysisId) => void
}

export function createIdentityModel({ timeline, tokenSeconds, clientRemoved }: IdentityOptions): IdentityModel {
  const clients = new Set<AnalysisId>()
  const tokens = new Map<string, { id: AnalysisId; expiresAt: Date }>()

  const issue = (id: AnalysisId): Token => {
    if (!clients.has(id)) throw new Fault('unavailable', 'the client is gone')
    const value = `${SECRET}token-${tokens.size + 1}`
    const expiresAt = new Date(timeline.now().getTime() + tokenSeconds * 1000)
    tokens.set(value, { id, expiresAt })
    return { value, expiresAt }
  }

  const remove = (id: AnalysisId): boolean => {
    const was = clients.delete(id)
    if (was) clientRemoved(id)
    return was
  }

  return {
    clients,
    tokens,
    identityOver: (request) => ({
      issueToken: async (id) => {
        await request('makeClient', [id], async () => void clients.add(id))
        return request('issueToken', [id], async () => issue(id))
      },
      tokenOf: async (id) =>
        (await request('findClient', [id], async () => clients.has(id)))
          ? request('issueToken', [id], async () => issue(id))
          : undefined,
      removeClient: (id) => request('removeClient', [id], async () => remove(id)),
      listClients: () => request('listClients', [], async () => [...clients]),
    }),
  }
}
