/** A tick of the loop as a PingSource sends it. */
import { randomUUID } from 'node:crypto'
import type { Ask } from './load.ts'

export const tick = () =>
  ({
    method: 'POST',
    path: '/',
    headers: {
      'ce-specversion': '1.0',
      'ce-type': 'dev.knative.sources.ping',
      'ce-source': '/apis/v1/namespaces/flame/pingsources/status-loop',
      'ce-id': randomUUID(),
      'content-type': 'application/json',
    },
    body: '{}',
  }) satisfies Ask
