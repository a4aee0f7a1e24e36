/**
 * The analysis's own API, which its container serves behind the proxy of its run. The container runs third-party code. It may
 * hang, or answer with anything of any size, so calls have short deadlines and small limits, and no answer is trusted.
 */
import { createHttpClient, expectOk, type HttpAnswer, type HttpRequest } from '../../platform/http-client.ts'
import type { AnalysisId, RunNumber } from '../../po/model.ts'
import { proxyName } from '../../po/names.ts'
import { type AnalysisApi, type Health, SDK_STATUSES } from '../../po/ports/analysis-api.ts'
import { asObject, numberOf, parseAnswer } from '../json.ts'
import type { Reach } from '../reach.ts'

type AnalysisApiOptions = Reach & {
  /** Of each call. */
  readonly deadlineMs?: number
}

const SYSTEM = 'The analysis'
const LIMIT_BYTES = 64 * 1024

export function createAnalysisApi({ send, urlOf, deadlineMs = 3_000 }: AnalysisApiOptions): AnalysisApi {
  const ask = createHttpClient({ system: SYSTEM, deadlineMs, limitBytes: LIMIT_BYTES, send })

  const call = async (
    id: AnalysisId,
    run: RunNumber,
    path: string,
    request: Omit<HttpRequest, 'url'>,
    doing: string,
  ): Promise<HttpAnswer> => {
    const url = `${urlOf(proxyName(id, run), 80)}/analysis/${path}`
    return expectOk(SYSTEM, doing, await ask({ ...request, url }, doing))
  }

  return {
    async healthz(id, run) {
      const answer = await call(id, run, 'healthz', { method: 'GET' }, 'report its health')
      return healthOf(parseAnswer(SYSTEM, answer.text))
    },

    async refreshToken(id, run, token) {
      await call(id, run, 'token_refresh', post({ token }), 'take a new token')
    },

    async sendPartnerStatuses(id, run, statuses) {
      await call(id, run, 'partner_status', post({ partner_status: statuses }), 'take the statuses of its partners')
    },
  }
}

const post = (body: object) =>
  ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) as const

function healthOf(body: unknown): Health {
  const answer = asObject(body)
  const remaining = numberOf(answer, 'token_remaining_time')
  return {
    status: SDK_STATUSES.find((status) => status === answer['status']) ?? 'unknown',
    tokenRemaining: remaining ?? null,
  }
}
