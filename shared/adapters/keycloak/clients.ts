/** The calls of Keycloak's admin API that manage the clients of analyses. */
import { Fault } from '../../platform/fault.ts'
import { type Ask, expectOk, type HttpAnswer, type HttpRequest, isOk } from '../../platform/http-client.ts'
import type { Token } from '../../po/ports/identity.ts'
import { createBearer } from '../bearer.ts'
import { asObject, asObjects, type JsonObject, parseAnswer, textOf } from '../json.ts'

export interface ClientRow {
  /** Keycloak's primary key. */
  readonly uuid: string
  readonly clientId: string
  /** May be empty. */
  readonly name: string
  /** Undefined if Keycloak hides it in lists. */
  readonly secret: string | undefined
}

interface ClientsOptions {
  readonly system: string
  /** URL of the collection. */
  readonly base: string
  readonly ask: Ask
  readonly now: () => Date
  readonly requestToken: () => Promise<Token>
}

const PAGE_SIZE = 100

export function createClients({ system, base, ask, now, requestToken }: ClientsOptions) {
  const askWithToken = createBearer({ ask, requestToken, now })

  const call = (method: HttpRequest['method'], path: string, doing: string, body?: object): Promise<HttpAnswer> =>
    askWithToken(method, `${base}${path}`, doing, body)

  const rows = async (query: Record<string, string>, doing: string): Promise<ClientRow[]> => {
    const answer = expectOk(system, doing, await call('GET', `?${new URLSearchParams(query)}`, doing))
    return asObjects(parseAnswer(system, answer.text)).flatMap(rowOf)
  }

  const find = async (clientId: string): Promise<ClientRow | undefined> => {
    const found = await rows({ clientId }, 'look up the client of an analysis')
    return found.find((row) => row.clientId === clientId)
  }

  return {
    find,

    /** False when the client id exists. */
    async create(client: object): Promise<boolean> {
      const doing = 'create the client of an analysis'
      const answer = await call('POST', '', doing, client)
      if (answer.status === 409) return false
      expectOk(system, doing, answer)
      return true
    },

    async secretOf(row: ClientRow): Promise<string> {
      if (row.secret !== undefined) return row.secret
      const doing = 'show the secret of an analysis client'
      const answer = expectOk(system, doing, await call('GET', `/${encodeURIComponent(row.uuid)}/client-secret`, doing))
      const secret = textOf(asObject(parseAnswer(system, answer.text)), 'value')
      if (secret === undefined) throw new Fault('refused', `${system} has no secret for the client of the analysis`)
      return secret
    },

    /** False when it did not exist. Keycloak answers one of two concurrent deletions with 500. */
    async remove(row: ClientRow): Promise<boolean> {
      const doing = 'delete the client of an analysis'
      const answer = await call('DELETE', `/${encodeURIComponent(row.uuid)}`, doing)
      if (answer.status === 404) return false
      if (answer.status === 500 && !(await find(row.clientId))) return false
      return isOk(expectOk(system, doing, answer))
    },

    /** All clients of the realm. Keycloak omits rows that we may not see, so only a page without new rows is the last. */
    async list(): Promise<readonly ClientRow[]> {
      const all = new Map<string, ClientRow>()
      for (let first = 0; ; first += PAGE_SIZE) {
        const page = await rows({ first: String(first), max: String(PAGE_SIZE) }, 'list the clients of the realm')
        const known = all.size
        for (const row of page) all.set(row.uuid, row)
        if (all.size === known) return [...all.values()]
      }
    },
  }
}

/** Keycloak replaces the secret with asterisks for a caller that may not manage the client. */
function rowOf(row: JsonObject): readonly ClientRow[] {
  const uuid = textOf(row, 'id')
  const clientId = textOf(row, 'clientId')
  if (uuid === undefined || clientId === undefined) return []
  const shown = textOf(row, 'secret')
  const secret = shown !== undefined && !/^\*+$/.test(shown) ? shown : undefined
  return [{ uuid, clientId, name: textOf(row, 'name') ?? '', secret }]
}
