/**
 * The bodies and answers of the digital-twin API, per function: what `endpoint()` checks and what the OpenAPI description
 * says. Unknown fields are ignored.
 *
 * May import the model and the shape of schemas; used by `functions` and the description only.
 */
import * as z from 'zod'
import { fileSchemas } from '../files/schema.ts'
import type { AnySchemas } from '../http/endpoint.ts'

const healthAnswer = z.object({ status: z.literal('ok') })

/** By the keys of `routes.dt`. */
export const dtSchemas = {
  healthz: { answer: healthAnswer, failures: ['Error checking health'] },
  ...fileSchemas,
} satisfies Readonly<Record<string, AnySchemas>>
