/** Every way in which the edge refuses a request, for any endpoint of the route table. */
import { expect } from 'vitest'
import { receivedLimit } from '../../shared/http/body.ts'
import type { AnySchemas } from '../../shared/http/schemas.ts'
import type { Endpoint, Route } from '../../shared/routes/index.ts'

export const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
export const OTHER_ID = 'ffffffff-2a4f-4d1e-9c55-0d2f6a1b7e3d'

/** The owner of the token. */
export type Bearer = 'user' | 'analysis' | 'bad' | 'none'

export interface Case {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly bearer: Bearer
  readonly headers?: Record<string, string>
  readonly body?: string | undefined
  readonly status: number
  /** The expected body of the response. */
  readonly answer: object
  readonly allow?: string
}

export interface Target {
  readonly route: Route
  readonly endpoint: Endpoint
  readonly schemas: AnySchemas
}

export const SECRETS = ['registry-pa55word', 'kong-t0ken']
const BODIES: Readonly<Record<string, object>> = {
  'po-create': {
    analysis_id: ID,
    project_id: ID,
    registry_url: 'harbor.example',
    image_url: 'harbor.example/project/image',
    registry_user: 'robot',
    registry_password: SECRETS[0],
    kong_token: SECRETS[1],
    an_unknown_field: { is: 'ignored' },
  },
  'po-stream-logs': { log: 'a line', log_type: 'info', analysis_id: ID, status: 'executing', progress: 7 },
}

export const validBody = ({ route, schemas }: Target): string | undefined =>
  schemas.body && JSON.stringify(BODIES[route.name])

const VALUES: Readonly<Record<string, string>> = { analysis_id: ID, cleanup_type: 'zombies', file: 'swagger-ui.css' }
export const pathOf = ({ endpoint }: Target, values = VALUES): string =>
  endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)

export const JSON_TYPE = { 'content-type': 'application/json' }
const anyDetail = { detail: expect.any(String) }

function common(target: Target): Case[] {
  const { endpoint, route } = target
  const base = { method: endpoint.method, path: pathOf(target), bearer: 'user' as Bearer, headers: JSON_TYPE }
  const methods = route.endpoints.filter(({ path }) => path === endpoint.path).map(({ method }) => method)
  const allow = [...methods, 'OPTIONS'].join(', ')
  const foreign = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].filter((method) => !methods.some((own) => own === method))
  return [
    { ...base, name: 'an unknown path', path: `${base.path}/x/y`, status: 404, answer: { detail: 'Not Found' } },
    { ...base, name: 'a doubled slash', path: `/${base.path}`, status: 404, answer: { detail: 'Not Found' } },
    ...foreign.map((method) => ({
      ...base,
      name: 'another method',
      method,
      status: 405,
      answer: { detail: 'Method Not Allowed' },
      allow,
    })),
    // Refused before the token is checked.
    {
      ...base,
      name: 'too large a body',
      body: 'x'.repeat(receivedLimit(route.body) + 1),
      bearer: 'none',
      status: 413,
      answer: anyDetail,
    },
  ]
}

function unauthorized(target: Target): Case[] {
  const { route, endpoint } = target
  if (route.auth === 'none') return []
  const base = { method: endpoint.method, path: pathOf(target), headers: JSON_TYPE, body: validBody(target) }
  const foreign = validBody(target)?.replaceAll(ID, OTHER_ID)
  return [
    { ...base, name: 'no token', bearer: 'none', status: 401, answer: { detail: 'Not authenticated' } },
    { ...base, name: 'a bad token', bearer: 'bad', status: 401, answer: { detail: 'Invalid token' } },
    { ...base, name: 'a bad token and no JSON', bearer: 'bad', status: 401, answer: anyDetail, body: '{' },
    route.auth === 'analysis'
      ? { ...base, name: "another analysis's token", bearer: 'analysis', status: 403, answer: anyDetail, body: foreign }
      : { ...base, name: "an analysis's token", bearer: 'analysis', status: 403, answer: anyDetail },
  ]
}

const issue = (loc: readonly (string | number)[], type: string) => ({
  detail: expect.arrayContaining([
    expect.objectContaining({ loc, type, msg: expect.any(String), input: expect.anything() }),
  ]),
})

function invalidPath(target: Target): Case[] {
  if (!target.endpoint.path.includes('{analysis_id}')) return []
  const { method } = target.endpoint
  return ['not-a-uuid', `${ID}0`, '%ff', '%00', `${ID}%2f`].map((text) => ({
    name: `the id ${text}`,
    method,
    path: pathOf(target, { analysis_id: text }),
    bearer: 'user' as Bearer,
    status: 422,
    answer: issue(['path', 'analysis_id'], 'uuid_parsing'),
  }))
}

function invalidBody(target: Target): Case[] {
  const body = validBody(target)
  if (!body) return []
  const base = { method: 'POST', path: pathOf(target), bearer: 'user' as Bearer, headers: JSON_TYPE, status: 422 }
  const broken = (text: string) => ({
    ...base,
    body: text,
    answer: issue(['body', expect.any(Number)], 'json_invalid'),
  })
  const encoded = (name: string, headers: Record<string, string>) => ({
    ...base,
    name,
    headers: { ...JSON_TYPE, ...headers },
    body,
    status: 415,
    answer: anyDetail,
  })
  const strict = (field: string, value: unknown, type: string): Case => ({
    ...base,
    name: `${field}: ${JSON.stringify(value)}`,
    body: JSON.stringify({ ...(JSON.parse(body) as object), [field]: value }),
    answer: { detail: [expect.objectContaining({ loc: ['body', field], type })] },
  })
  return [
    { name: 'malformed JSON', ...broken(body.slice(0, -1)) },
    { name: 'JSON with a secret after the fault', ...broken(`nul ${body}`) },
    {
      ...base,
      name: 'no body',
      answer: { detail: [{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }] },
    },
    { ...base, name: 'a list', body: '[1]', answer: issue(['body'], 'model_attributes_type') },
    { ...base, name: 'a text', body: '"x"', answer: issue(['body'], 'model_attributes_type') },
    strict('analysis_id', 'x', 'uuid_parsing'),
    strict('analysis_id', 5, 'string_type'),
    strict('analysis_id', null, 'string_type'),
    strict('analysis_id', undefined, 'missing'),
    strict('progress', 1.5, 'int_type'),
    strict('progress', '7', 'int_type'),
    encoded('no type at all', { 'content-type': '' }),
    encoded('another charset', { 'content-type': 'application/json; charset=latin1' }),
    encoded('a compressed body', { 'content-encoding': 'gzip' }),
    encoded('a form', { 'content-type': 'application/x-www-form-urlencoded' }),
    ...OWN_FAULTS.filter(([name]) => name === target.route.name).map(([, ...fault]) => strict(...fault)),
  ]
}

const OWN_FAULTS: [route: string, field: string, value: unknown, type: string][] = [
  ['po-create', 'project_id', 'x', 'uuid_parsing'],
  ['po-create', 'image_url', null, 'string_type'],
  ['po-create', 'image_url', 'a\0b', 'value_error'],
  ['po-create', 'kong_token', 12, 'string_type'],
  ['po-create', 'registry_password', [SECRETS[0]], 'string_type'],
  ['po-create', 'restart_counter', -1, 'greater_than_equal'],
  ['po-create', 'restart_counter', 1e12, 'less_than_equal'],
  ['po-stream-logs', 'log', null, 'string_type'],
  ['po-stream-logs', 'log_type', 'warning', 'enum'],
]

export const refusals = (target: Target): Case[] => [
  ...common(target),
  ...unauthorized(target),
  ...invalidPath(target),
  ...invalidBody(target),
]
