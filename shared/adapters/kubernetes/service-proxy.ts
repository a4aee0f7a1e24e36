/** Reaching a Service through the API server, for processes that run outside of the cluster. */
import { call } from './api.ts'
import { type Connection, type ConnectionOptions, connect } from './connection.ts'

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

/** Any status is an answer, also the API server's own 503 for a Service without ready pods. */
export type FetchService = (
  service: string,
  port: number | string,
  path: string,
  init: ServiceRequest,
) => Promise<{ readonly status: number; text(): Promise<string> }>

export function apiServerProxy(options: ConnectionOptions & { readonly connection?: Connection } = {}): FetchService {
  const connection = options.connection ?? connect(options)
  return (service, port, path, init) => {
    const target = `/api/v1/namespaces/${connection.namespace}/services/${service}:${port}/proxy/${path.replace(/^\//, '')}`
    const guarded: Connection = {
      ...connection,
      send: (request) =>
        connection.send({
          ...request,
          signal: AbortSignal.any([request.signal, ...(init.signal ? [init.signal] : [])]),
        }),
    }
    const { method, headers, body } = init
    const request = { method, path: target, ...(headers ? { headers } : {}), body }
    return call(
      guarded,
      { verb: 'reach', kind: 'Service', name: service },
      request,
      connection.deadlineMs,
      async (answer) => {
        const text = await answer.body.text()
        return { status: answer.status, text: async () => text }
      },
    )
  }
}
