/** Custom kinds: their schema prunes, fills and refuses, and their status is a part of its own. */
import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { APPLY, MERGE, PATIENCE, type Verbs } from './target.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  'x-kubernetes-validations': [
    { rule: "self.metadata.name.matches('^[a-z-]+$')", message: 'metadata.name must be of small letters' },
  ],
  properties: {
    spec: {
      type: 'object',
      required: ['image', 'mode'],
      properties: {
        image: { type: 'string', minLength: 1, maxLength: 20, pattern: '^[^!]*$' },
        mode: { type: 'string', enum: ['lasting', 'counted'] },
        count: { type: 'integer', minimum: 1, maximum: 100 },
        port: { type: 'integer' },
        taste: { type: 'string', default: 'plain' },
        env: { type: 'object', additionalProperties: { type: 'string' } },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        either: { 'x-kubernetes-int-or-string': true },
        perhaps: { type: 'string', nullable: true },
      },
      oneOf: [
        { properties: { mode: { enum: ['lasting'] } }, not: { required: ['count'] } },
        { properties: { mode: { enum: ['counted'] } }, required: ['count'] },
      ],
    },
    status: {
      type: 'object',
      properties: { phase: { type: 'string' } },
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
}

/** Definitions are of the whole cluster: each run has a group of its own. */
const group = `g${randomBytes(4).toString('hex')}.conformance.test`
const GADGETS = `apis/${group}/v1alpha1/gadgets`
const NAME = `gadgets.${group}`

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: NAME },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', shortNames: ['gad'] },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: SCHEMA },
      },
    ],
  },
}

const COUNTED = { image: 'i:1', mode: 'counted', count: 1 }
const gadget = (name: string, spec: unknown, more: object = {}) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'Gadget',
  metadata: { name },
  spec,
  ...more,
})

const BRANCH = { reason: 'FieldValueInvalid', field: '<nil>' }
const none = 'must validate one and only one schema (oneOf). Found none valid'

export function customs({ send, create, read, apply }: Verbs): void {
  describe('custom kinds', () => {
    test('come with their definition, once it is established', async () => {
      expect((await send('POST', DEFINITIONS, DEFINITION)).status).toBe(201)
      const conditions = async () =>
        ((await send('GET', `${DEFINITIONS}/${NAME}`)).body['status'] as { conditions?: object[] } | undefined)
          ?.conditions
      const established = expect.objectContaining({ type: 'Established', status: 'True' })
      await expect.poll(conditions, PATIENCE).toContainEqual(established)
      await expect.poll(async () => (await send('GET', GADGETS)).status, PATIENCE).toBe(200)
    })
    afterAll(() => send('DELETE', `${DEFINITIONS}/${NAME}`))

    test('are discovered', async () => {
      const { body } = await send('GET', `/apis/${group}/v1alpha1`)
      expect(body['resources']).toContainEqual(
        expect.objectContaining({ name: 'gadgets', singularName: 'gadget', kind: 'Gadget', shortNames: ['gad'] }),
      )
      const named = (body['resources'] as { name: string }[]).map(({ name }) => name)
      expect(named).toEqual(['gadgets', 'gadgets/status'])
    })

    test.each<[string, object, object]>([
      ['what fits stays, and defaults come', COUNTED, { ...COUNTED, taste: 'plain' }],
      [
        'null goes from fields that may not be null, also below',
        { ...COUNTED, port: null, taste: null, env: { A: null, B: 'x' }, either: '5' },
        { ...COUNTED, taste: 'plain', env: { B: 'x' }, either: '5' },
      ],
      [
        'null stays where it may be, and where nothing is said',
        { ...COUNTED, perhaps: null, free: { x: null, y: { z: 1 } } },
        { ...COUNTED, taste: 'plain', perhaps: null, free: { x: null, y: { z: 1 } } },
      ],
      ['unknown fields go', { ...COUNTED, unknown: 1 }, { ...COUNTED, taste: 'plain' }],
    ])('%s', async (title, spec, stored) => {
      const name = title.replaceAll(/[^a-z]+/g, '-')
      const { status, body } = await create(GADGETS, gadget(name, spec, { other: 1 }))
      expect([status, body.spec, body['other']]).toEqual([201, stored, undefined])
    })

    test.each<[string, unknown, { reason: string; message: string; field: string }[]]>([
      ['no spec', undefined, [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec' }]],
      [
        'a missing field',
        { mode: 'lasting' },
        [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.image' }],
      ],
      [
        'another word',
        { ...COUNTED, mode: 'x' },
        [
          { ...BRANCH, message: `Invalid value: "": "spec" ${none}` },
          {
            reason: 'FieldValueNotSupported',
            message: 'Unsupported value: "x": supported values: "lasting", "counted"',
            field: 'spec.mode',
          },
        ],
      ],
      [
        'another type',
        { ...COUNTED, count: '1' },
        [
          {
            reason: 'FieldValueTypeInvalid',
            message: 'Invalid value: "string": spec.count in body must be of type integer: "string"',
            field: 'spec.count',
          },
        ],
      ],
      [
        'a number too high',
        { ...COUNTED, count: 101 },
        [
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: 101: spec.count in body should be less than or equal to 100',
            field: 'spec.count',
          },
        ],
      ],
      [
        'a value below',
        { ...COUNTED, env: { A: 1 } },
        [
          {
            reason: 'FieldValueTypeInvalid',
            message: 'Invalid value: "integer": spec.env.A in body must be of type string: "integer"',
            field: 'spec.env.A',
          },
        ],
      ],
      [
        'text too long',
        { ...COUNTED, image: 'i'.repeat(21) },
        [
          {
            reason: 'FieldValueTooLong',
            message: 'Too long: may not be more than 20 bytes',
            field: 'spec.image',
          },
        ],
      ],
      [
        'too many items, one of them null',
        { ...COUNTED, tags: ['a', 'b', 'c'] },
        [
          {
            reason: 'FieldValueTooMany',
            message: 'Too many: 3: must have at most 2 items',
            field: 'spec.tags',
          },
        ],
      ],
      [
        'a pattern',
        { ...COUNTED, image: '!' },
        [
          {
            reason: 'FieldValueInvalid',
            message: `Invalid value: "!": spec.image in body should match '^[^!]*$'`,
            field: 'spec.image',
          },
        ],
      ],
      [
        'no alternative',
        { image: 'i:1', mode: 'counted', count: null },
        [{ ...BRANCH, message: `Invalid value: "": "spec" ${none}` }],
      ],
      [
        'what an alternative forbids',
        { image: 'i:1', mode: 'lasting', count: 2 },
        [{ ...BRANCH, message: `Invalid value: "": "spec" ${none}` }],
      ],
    ])('%s is refused', async (title, spec, causes) => {
      const name = `refused-${title.replaceAll(/[^a-z]+/g, '-')}`
      const { status, body } = await create(GADGETS, gadget(name, spec))
      expect([status, body.reason]).toEqual([422, 'Invalid'])
      expect((body['details'] as { causes: object[] }).causes).toEqual(expect.arrayContaining(causes))
      expect((await send('GET', `${GADGETS}/${name}`)).status).toBe(404)
    })

    test('a name that a rule does not allow is refused in the words of the rule', async () => {
      const { status, body } = await create(GADGETS, gadget('gadget-1', COUNTED))
      expect([status, body.reason]).toEqual([422, 'Invalid'])
      expect(body['message']).toContain('metadata.name must be of small letters')
      expect((body['details'] as { causes: object[] }).causes).toEqual([
        { reason: 'FieldValueInvalid', message: expect.stringMatching(/^Invalid value: .*letters$/), field: '<nil>' },
      ])
    })

    test('an unknown field is refused where the client asks for that', async () => {
      const answer = await send('POST', `${GADGETS}?fieldValidation=Strict`, gadget('strict', { ...COUNTED, more: 1 }))
      expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } })
      expect(answer.body['message']).toContain('strict decoding error: unknown field "spec.more"')
    })

    test('a change that does not fit is refused, and nothing changes', async () => {
      await create(GADGETS, gadget('kept', COUNTED))
      const refused = await send('PATCH', `${GADGETS}/kept`, { spec: { count: 0 } }, { type: MERGE })
      expect(refused.status).toBe(422)
      expect((await read(GADGETS, 'kept')).spec).toMatchObject({ count: 1 })
    })

    test('the status is written apart: neither changes the other, and only the spec counts as a generation', async () => {
      const made = (await create(GADGETS, gadget('parts', COUNTED, { status: { phase: 'Early' } }))).body
      expect([made['status'], made.metadata.generation]).toEqual([undefined, 1])
      const both = { spec: { count: 2 }, status: { phase: 'Running', runs: 3 } }
      await send('PATCH', `${GADGETS}/parts/status`, both, { type: MERGE })
      expect(await read(GADGETS, 'parts')).toMatchObject({
        metadata: { generation: 1 },
        spec: { count: 1 },
        status: { phase: 'Running', runs: 3 },
      })
      await send('PATCH', `${GADGETS}/parts`, { spec: { count: 2 }, status: { phase: 'Other' } }, { type: MERGE })
      expect(await read(GADGETS, 'parts')).toMatchObject({
        metadata: { generation: 2 },
        spec: { count: 2 },
        status: { phase: 'Running', runs: 3 },
      })
    })

    test('an applied status is owned apart, and goes when it is named no longer', async () => {
      await apply(GADGETS, gadget('owned', COUNTED), 'alice')
      const status = (value: object) =>
        send(
          'PATCH',
          `${GADGETS}/owned/status?fieldManager=alice&force=true`,
          { apiVersion: `${group}/v1alpha1`, kind: 'Gadget', metadata: { name: 'owned' }, status: value },
          { type: APPLY },
        )
      await status({ phase: 'Running', runs: 1 })
      await status({ phase: 'Done' })
      const { spec, metadata, ...rest } = await read(GADGETS, 'owned')
      expect(rest['status']).toEqual({ phase: 'Done' })
      expect(spec).toMatchObject(COUNTED)
      const owners = metadata.managedFields as unknown as { manager: string; subresource?: string; fieldsV1: object }[]
      expect(owners.map(({ manager, subresource, fieldsV1 }) => [manager, subresource, fieldsV1])).toEqual([
        ['alice', undefined, { 'f:spec': { 'f:image': {}, 'f:mode': {}, 'f:count': {} } }],
        ['alice', 'status', { 'f:status': { 'f:phase': {} } }],
      ])
    })

    test('a finalizer holds an object, and the definition with it; then both go', async () => {
      const held = gadget('held', COUNTED)
      await create(GADGETS, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/held'] } })
      await send('DELETE', `${DEFINITIONS}/${NAME}`)
      const deleting = async () => (await read(GADGETS, 'held')).metadata
      await expect.poll(deleting, PATIENCE).toHaveProperty('deletionTimestamp')
      expect((await send('GET', `${DEFINITIONS}/${NAME}`)).status).toBe(200)
      await send('PATCH', `${GADGETS}/held`, { metadata: { finalizers: null } }, { type: MERGE })
      await expect.poll(async () => (await send('GET', `${DEFINITIONS}/${NAME}`)).status, PATIENCE).toBe(404)
      await expect.poll(async () => (await send('GET', GADGETS)).status, PATIENCE).toBe(404)
    })
  })
}
