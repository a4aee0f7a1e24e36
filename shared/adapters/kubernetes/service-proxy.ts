/**
 * Reaches a Service through the API server, for processes outside of the cluster. Every status is an answer, also the API
 * server's own 503 for a Service without ready pods.
 */
import type { FetchService } from '../reach.ts'
import { call } from './api.ts'
import { type ApiConnection, type ApiConnectionOptions, connect } from './connection.ts'

export function apiServerProxy(
  options: ApiConnectionOptions & { readonly connection?: ApiConnection } = {},
): FetchService {
  const connection = options.connection ?? connect(options)
  return (service, port, path, init) => {
    const target = `/api/v1/namespaces/${connection.namespace}/services/${service}:${port}/proxy/${path.replace(/^\//, '')}`
    const guarded: ApiConnection = {
      ...connection,
      send: (request) =>
        connection.send({
          ...request,
          signal: AbortSignal.any([request.signal, init.signal]),
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
