/** The conventions of the Hub's API: camelCase, `{data, meta}` around every answer, bracketed filters, pages of at most 50. */
import { Fault, isFault } from '../../platform/fault.ts'
import { createHttpClient, expectOk, type HttpAnswer, type Send } from '../../platform/http-client.ts'
import type { Token } from '../../po/ports/identity.ts'
import { askToken, createBearer } from '../bearer.ts'
import { asObject, asObjects, type JsonObject, numberOf, parseAnswer } from '../json.ts'

interface HubApiOptions {
  readonly coreUrl: string
  readonly authUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly send: Send
  readonly deadlineMs: number
  readonly now: () => Date
}

const SYSTEM = 'The Hub'
const PAGE_SIZE = 50
/** More pages mean that the Hub ignored the filter and sends the whole collection. */
const MAX_PAGES = 200

export function createHubApi(options: HubApiOptions) {
  const { coreUrl, authUrl, clientId, clientSecret, send, deadlineMs, now } = options
  const ask = createHttpClient({ system: SYSTEM, deadlineMs, send })

  /** A refused login is `unavailable`: it is no answer to the request that needs the token, and may be repaired. */
  const requestToken = (): Promise<Token> => {
    const request = {
      url: `${authUrl}/token`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
    }
    return askToken(ask, request, { system: SYSTEM, doing: "issue this node's token", now }).catch((error: unknown) => {
      throw isFault(error, 'refused') ? new Fault('unavailable', error.message, { cause: error.cause ?? error }) : error
    })
  }

  const askWithToken = createBearer({ ask, requestToken, now })

  const call = async (method: 'GET' | 'POST', path: string, doing: string, body?: JsonObject): Promise<HttpAnswer> => {
    const answer = await askWithToken(method, `${coreUrl}${path}`, doing, body)
    if (answer.status === 401)
      throw new Fault('unavailable', `${SYSTEM} does not accept its own token to ${doing} (401)`)
    return expectOk(SYSTEM, doing, answer)
  }

  return {
    /** All matching rows of a collection, from all pages. The Hub ignores filters that it does not know: check the rows. */
    async list(path: string, filters: Readonly<Record<string, string>>, doing: string): Promise<readonly JsonObject[]> {
      const rows: JsonObject[] = []
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const query = new URLSearchParams({
          'page[limit]': String(PAGE_SIZE),
          'page[offset]': String(page * PAGE_SIZE),
          ...Object.fromEntries(Object.entries(filters).map(([field, value]) => [`filter[${field}]`, value])),
        })
        const body = asObject(parseAnswer(SYSTEM, (await call('GET', `${path}?${query}`, doing)).text))
        const data = asObjects(body['data'])
        rows.push(...data)
        const total = numberOf(asObject(body['meta']), 'total')
        if (data.length < PAGE_SIZE || rows.length === total) return rows
      }
      throw new Fault('refused', `${SYSTEM} sends rows without end when asked to ${doing}`)
    },

    post: (path: string, body: JsonObject, doing: string) => call('POST', path, doing, body),
  }
}
