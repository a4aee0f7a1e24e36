/** Requests to Services of the namespace: by DNS name, or from outside the cluster through the API server's service proxy. */
import {
  createHttpClient,
  createSend,
  type HttpAnswer,
  type HttpRequest,
  type Send,
  TooLarge,
} from '../platform/http-client.ts'

type ServiceRequest = Pick<HttpRequest, 'method' | 'headers' | 'body'>

/** Sends to a port of a Service through the API server; implemented by the Kubernetes adapter. */
export type FetchService = (
  service: string,
  port: number,
  path: string,
  request: ServiceRequest & { readonly signal: AbortSignal },
) => Promise<{ readonly status: number; text(): Promise<string> }>

export type Reach =
  | {
      readonly reach: 'service'
      readonly namespace: string
      /** DNS domain of the cluster. */
      readonly domain: string
      readonly send?: Send
      /** `host:port` instead of the Service's DNS name, without a cluster. */
      readonly address?: (service: string, port: number) => string | undefined
    }
  | { readonly reach: 'api'; readonly fetchService: FetchService }

interface ReachOptions {
  readonly system: string
  readonly deadlineMs: number
  readonly limitBytes: number
}

export interface ReachRequest extends ServiceRequest {
  readonly service: string
  readonly port: number
  /** Begins with a slash. */
  readonly path: string
}

type AskService = (request: ReachRequest, doing: string) => Promise<HttpAnswer>

export function createReach(options: Reach, { system, deadlineMs, limitBytes }: ReachOptions): AskService {
  if (options.reach === 'api') {
    return (request, doing) => {
      const send = sendByApi(options.fetchService, request)
      const { method, path: url } = request
      return createHttpClient({ system, deadlineMs, limitBytes, send })({ method, url }, doing)
    }
  }
  const { namespace, domain, address } = options
  const ask = createHttpClient({ system, deadlineMs, limitBytes, send: options.send ?? createSend() })
  return ({ service, port, path, ...request }, doing) => {
    const host = address?.(service, port) ?? `${service}.${namespace}.svc.${domain}:${port}`
    return ask({ ...request, url: `http://${host}${path}` }, doing)
  }
}

const sendByApi =
  (fetchService: FetchService, { service, port, path, method, headers, body }: ReachRequest): Send =>
  async (_, signal, limitBytes) => {
    const init = { method, ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }), signal }
    const answer = await fetchService(service, port, path, init)
    const text = await answer.text()
    if (text.length > limitBytes) throw new TooLarge(`more than ${limitBytes} bytes`)
    return { status: answer.status, text, retryAfter: null }
  }
