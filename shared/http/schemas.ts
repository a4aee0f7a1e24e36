/** Types of schemas: `endpoint()` checks requests and answers with them, and the OpenAPI description is made from them. */
import type * as z from 'zod'

export interface Checks<Params, Query, Body> {
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  /** Left out: a body is counted and discarded, whatever it contains. */
  readonly body?: z.ZodType<Body>
  /** Message of a 500, one per endpoint of the route. */
  readonly failures: readonly string[]
}

export interface Schemas<Params, Query, Body, Answer> extends Checks<Params, Query, Body> {
  /** An answer that does not fit is a defect: 500. */
  readonly answer: z.ZodType<unknown, Answer>
  /** Status of a successful answer; default 200. */
  readonly success?: number
}

/** The schemas of any function, with the parts that only the description uses. */
export interface AnySchemas extends Schemas<unknown, unknown, unknown, unknown> {
  /** Meaning of a 404, where there is one. */
  readonly missing?: string
  /** Meaning of a 409, where there is one. */
  readonly conflict?: string
  /** Meaning of a refusal by Kubernetes, where its message reaches the caller. */
  readonly refused?: string
  /** Headers of the request that change what is done, and how. */
  readonly headers?: Readonly<Record<string, string>>
  /** Responses that only this operation has. */
  readonly answers?: Readonly<Record<number, Readonly<Record<string, unknown>>>>
  /** Bodies that are not JSON: media type → its schema in the description. */
  readonly media?: {
    readonly body?: Media
    /** A request without a body is one with an empty body. */
    readonly bodyOptional?: boolean
    readonly answer?: Media
  }
}

export type Media = Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>>
