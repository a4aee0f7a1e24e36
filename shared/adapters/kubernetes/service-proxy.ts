/**
 * Reaches Services through the API server's service proxy, from outside the cluster. Every status is an answer, including the
 * API server's own 503 for a Service without ready pods.
 */
import { readText } from '../../platform/http-client.ts'
import type { Reach } from '../reach.ts'
import type { ApiConnection } from './connection.ts'

export const apiServerProxy = (connection: ApiConnection): Reach => ({
  urlOf: (service, port) => `/api/v1/namespaces/${connection.namespace}/services/${service}:${port}/proxy`,
  async send({ url: path, ...request }, signal, limitBytes) {
    const { status, body } = await connection.send({ ...request, path, signal })
    return { status, text: await readText(body, limitBytes), retryAfter: null }
  },
})
