/** The OpenAPI 3.1 description, made from the route table and the schemas of the functions. */
import * as z from 'zod'
import type { Endpoint, Route } from '../routes/index.ts'
import type { AnySchemas } from './schemas.ts'

interface Tag {
  readonly name: string
  readonly description: string
}

export interface Api {
  readonly title: string
  readonly version: string
  readonly description: string
  /** Operations whose id names no tag have the first one. */
  readonly tags: readonly [Tag, ...Tag[]]
  /** Base paths; Swagger UI uses the first one. Default: the root. */
  readonly servers?: readonly string[]
  /** Callers need no token. */
  readonly isOpen?: boolean
  readonly operations: readonly { readonly route: Route; readonly schemas: AnySchemas }[]
}

type JsonObject = { readonly [key: string]: unknown }

/**
 * A schema as JSON Schema. For a check that zod cannot express, such as a grammar or a rule about two fields, the schema brings
 * its own description in `meta({ described })`.
 */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonObject => {
  const described = schema.meta()?.['described']
  if (described !== undefined) return described as JsonObject
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
  return rest
}

const content = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } })

const ref = (kind: string, name: string): JsonObject => ({ $ref: `#/components/${kind}/${name}` })

const problem = (description: string, schema = 'Problem'): JsonObject => ({
  description,
  content: content(ref('schemas', schema)),
})

const RESPONSES = {
  badRequest: problem('The body is broken, or broke off'),
  tooSlow: problem('The body did not arrive in time'),
  unauthenticated: problem('No token, or not one that is accepted'),
  forbidden: problem('The token, or the page that calls, may not do this'),
  invalid: problem('The request does not fit its schema', 'ValidationProblem'),
  tooLarge: problem('The body is larger than 1 MiB, or than the largest file'),
  unsupported: problem('The body is not plain UTF-8 JSON'),
  unexpected: problem('A defect; the log of the named request says more'),
  unavailable: problem('Another system is away or too slow; see Retry-After'),
}

const asksForToken = ({ auth }: Route, { isOpen = false }: Api): boolean => auth !== 'none' && !isOpen

const SCHEMAS = {
  Problem: { type: 'object', properties: { detail: {} }, required: ['detail'] },
  ValidationProblem: {
    type: 'object',
    required: ['detail'],
    properties: {
      detail: {
        type: 'array',
        items: {
          type: 'object',
          required: ['type', 'loc', 'msg', 'input'],
          properties: {
            type: { type: 'string' },
            loc: { type: 'array', items: { type: ['string', 'integer'] } },
            msg: { type: 'string' },
            input: {},
          },
        },
      },
    },
  },
}

function pathParameters({ path }: Endpoint, schemas: AnySchemas): JsonObject[] {
  const properties = schemas.params ? schemaOf(schemas.params, 'input')['properties'] : {}
  return [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, name = '']) => {
    const { description, ...schema } = (properties as Record<string, JsonObject>)[name] ?? { type: 'string' }
    return { name, in: 'path', required: true, schema, ...(description !== undefined && { description }) }
  })
}

/** A query parameter with a default is optional. */
function queryParameters({ query }: AnySchemas): JsonObject[] {
  if (!query) return []
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: JsonObject
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as JsonObject
    const isRequired = required.includes(name) && rest['default'] === undefined
    return { name, in: 'query', required: isRequired, schema: rest, ...(description !== undefined && { description }) }
  })
}

const headerParameters = ({ headers = {} }: AnySchemas): JsonObject[] =>
  Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description,
  }))

/** Refusals of a body. */
const bodyResponses = ({ body }: AnySchemas): JsonObject => ({
  400: ref('responses', 'badRequest'),
  408: ref('responses', 'tooSlow'),
  413: ref('responses', 'tooLarge'),
  ...(body && { 415: ref('responses', 'unsupported') }),
})

/** A refusal by Kubernetes has the status and the message of Kubernetes. */
const refusals = ({ refused, conflict }: AnySchemas): JsonObject =>
  refused === undefined
    ? {}
    : {
        409: problem([conflict, refused].filter(Boolean).join('; or ')),
        422: {
          description: `The request does not fit its schema; or ${refused}`,
          content: content({ anyOf: [ref('schemas', 'ValidationProblem'), ref('schemas', 'Problem')] }),
        },
        502: problem(refused),
      }

function responses(route: Route, schemas: AnySchemas, parameters: readonly JsonObject[], api: Api): JsonObject {
  const takesBody = schemas.body !== undefined || schemas.media?.body !== undefined
  return {
    [schemas.success ?? 200]: {
      description: 'Success',
      content: schemas.media?.answer ?? content(schemaOf(schemas.answer, 'output')),
    },
    ...(asksForToken(route, api) && { 401: ref('responses', 'unauthenticated') }),
    ...(route.auth !== 'none' && { 403: ref('responses', 'forbidden') }),
    ...(schemas.missing && { 404: problem(schemas.missing) }),
    ...(schemas.conflict && { 409: problem(schemas.conflict) }),
    ...schemas.answers,
    ...(schemas.headers?.['If-Match'] && { 412: problem('The resource is not the one that If-Match names') }),
    ...(takesBody && bodyResponses(schemas)),
    ...((takesBody || parameters.length > 0) && { 422: ref('responses', 'invalid') }),
    ...refusals(schemas),
    500: ref('responses', 'unexpected'),
    503: ref('responses', 'unavailable'),
  }
}

function requestBody({ body, media }: AnySchemas): JsonObject {
  const form = media?.body ?? (body && content(schemaOf(body, 'input')))
  return form ? { requestBody: { required: media?.bodyOptional !== true, content: form } } : {}
}

/** The id of the endpoint, or the name of the function; with a suffix where a function answers for one and for all. */
function operationId(route: Route, endpoint: Endpoint, parameters: readonly JsonObject[]): string {
  const suffix = parameters.length > 0 && route.endpoints.length > 1 ? '-one' : ''
  return endpoint.operationId ?? `${route.name}${suffix}`
}

function operation(api: Api, route: Route, endpoint: Endpoint, schemas: AnySchemas): JsonObject {
  const parameters = [...pathParameters(endpoint, schemas), ...queryParameters(schemas), ...headerParameters(schemas)]
  return {
    operationId: operationId(route, endpoint, parameters),
    tags: [endpoint.operationId?.split('-', 1)[0] ?? api.tags[0].name],
    summary: endpoint.summary,
    security: asksForToken(route, api) ? [{ bearer: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(schemas),
    responses: responses(route, schemas, parameters, api),
  }
}

export function describeApi(api: Api): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const { route, schemas } of api.operations)
    for (const endpoint of route.endpoints) {
      const item = paths[endpoint.path] ?? {}
      item[endpoint.method.toLowerCase()] = operation(api, route, endpoint, schemas)
      paths[endpoint.path] = item
    }
  const { title, version, description, tags, servers = ['/'] } = api
  return {
    openapi: '3.1.0',
    info: { title, version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: servers.map((url) => ({ url })),
    tags,
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: RESPONSES,
      schemas: SCHEMAS,
    },
  }
}
