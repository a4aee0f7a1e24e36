/**
 * Sends to a Service through the API server's service proxy, from outside the cluster. Resolves for every status, including
 * the API server's own 503 for a Service without ready pods.
 */
import type { FetchService } from '../reach.ts'
import { call } from './api.ts'
import { type ApiConnection, type ApiConnectionOptions, connectApi } from './connection.ts'

export function apiServerProxy(
  options: ApiConnectionOptions & { readonly connection?: ApiConnection } = {},
): FetchService {
  const connection = options.connection ?? connectApi(options)
  return (service, port, path, init) => {
    const target = `/api/v1/namespaces/${connection.namespace}/services/${service}:${port}/proxy/${path.replace(/^\//, '')}`
    const abortable: ApiConnection = {
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
      abortable,
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
