/** How requests reach Services of the namespace: by DNS name, or from outside the cluster through the API server. */
import { createSend, type Send } from '../platform/http-client.ts'

export interface Reach {
  readonly send: Send
  /** URL of a port of a Service, without a path. */
  readonly urlOf: (service: string, port: number) => string
}

/** @param domain of the cluster */
export const byDnsName = (namespace: string, domain: string): Reach => ({
  send: createSend(),
  urlOf: (service, port) => `http://${service}.${namespace}.svc.${domain}:${port}`,
})
