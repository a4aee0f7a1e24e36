/**
 * The body of a launch in JSON Schema. The checks of `schema.ts` are functions, of which zod can tell the description nothing:
 * grammars, and rules about two fields. What is refused, they decide; `make test-openapi` compares the two.
 */
import { BOUNDS, RANGES } from './bounds.ts'
import { CONCURRENCY_POLICIES } from './model.ts'

type JsonSchema = Readonly<Record<string, unknown>>

const nullable = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] })
const range = ([minimum, maximum]: readonly [number, number]): JsonSchema => ({ type: 'integer', minimum, maximum })
const NO_NUL = '^[^\\u0000]*$'
const text = (maxLength: number, pattern = NO_NUL): JsonSchema => ({ type: 'string', maxLength, pattern })

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9A-Fa-f]*:[0-9A-Fa-f:]*\\])(?::[0-9]+)?`
const COMPONENT = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*'
// What has a dot before the first slash is a registry.
const NO_REGISTRY = '[a-z0-9]+(?:(?:__?|-+)[a-z0-9]+)*'
const NAME = `(?:${COMPONENT}|(?:${HOST}|${NO_REGISTRY})(?:/${COMPONENT})+)`
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const NAME_LENGTH = 255

const ENVIRONMENT = nullable({
  type: 'object',
  description:
    'Variables of the image. They are stored in clear, in the database and in the resource: a value must not be a secret.',
  maxProperties: BOUNDS.variables,
  propertyNames: { type: 'string', maxLength: BOUNDS.variableName, pattern: '^[ -<>-~]+$' },
  additionalProperties: text(BOUNDS.variableValue),
})

/** A segment of a path that is neither `.` nor `..`. */
const SEGMENT = '(?!\\.{1,2}(?:/|$))[^/\\u0000]+'
const MOUNTS = nullable({
  type: 'object',
  description: 'Id of a file → its name below /input. No two names are the same, or one a folder of the other.',
  maxProperties: BOUNDS.mounts,
  propertyNames: text(BOUNDS.fileId),
  additionalProperties: text(BOUNDS.inputName, `^(?!outputs(?:/|$))${SEGMENT}(?:/${SEGMENT})*$`),
})

const LABEL_NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'
const LABELS = nullable({
  type: 'object',
  maxProperties: BOUNDS.labels,
  propertyNames: { type: 'string', pattern: `^(?:[a-z0-9.-]{1,253}/)?${LABEL_NAME}$` },
  additionalProperties: { type: 'string', pattern: `^(?:${LABEL_NAME})?$` },
})

const job = (jobType: string, properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties: { job_type: { const: jobType }, ...properties },
  required: ['job_type', ...required],
})

/** @param cron pattern of a schedule */
const jobs = (cron: string): JsonSchema => {
  const reps = range(RANGES.reps)
  const schedule = { type: 'string', maxLength: BOUNDS.schedule, pattern: cron }
  return {
    oneOf: [
      job('ondemand', { reps }, ['reps']),
      job('scheduled', { reps, schedule }, ['reps', 'schedule']),
      job('persistent', { reps: { type: 'null' } }),
    ],
  }
}

const ONDEMAND_WITH_SCHEDULE: JsonSchema = {
  type: 'object',
  properties: { job_type: { const: 'ondemand' }, schedule: { type: 'string' } },
  required: ['job_type', 'schedule'],
}

/** @param cron pattern of a schedule */
export const launchDescription = (cron: string): JsonSchema => ({
  type: 'object',
  required: ['image', 'version', 'description', 'ana'],
  properties: {
    image: { type: 'string', maxLength: NAME_LENGTH, description: 'Name of the image without its tag' },
    version: { type: 'string', description: 'Tag of the image' },
    description: text(BOUNDS.description),
    port: nullable({ type: 'integer', minimum: 1024, maximum: 65_535 }),
    env: ENVIRONMENT,
    mount_files: MOUNTS,
    ana: jobs(cron),
    sim: nullable({ type: 'object', maxProperties: 0, description: 'Not supported' }),
    display_name: nullable(text(BOUNDS.displayName)),
    labels: LABELS,
    parallelism: nullable(range(RANGES.parallelism)),
    retries: nullable(range(RANGES.retries)),
    fan_in: nullable({
      type: 'object',
      description: 'A step after all runs',
      required: ['image'],
      // Longer ones are taken where it is the tag that makes them so.
      properties: { image: text(NAME_LENGTH, `^${NAME}(?::${TAG})?(?:@sha256:[0-9a-f]{64})?$`), env: ENVIRONMENT },
    }),
    concurrency_policy: nullable({ enum: CONCURRENCY_POLICIES }),
    history_limit: nullable(range(RANGES.historyLimit)),
    retention_days: nullable(range(RANGES.retentionDays)),
  },
  not: { properties: { port: { type: 'integer' }, ana: ONDEMAND_WITH_SCHEDULE }, required: ['port', 'ana'] },
  anyOf: [
    { properties: { image: { pattern: `^${NAME}$` }, version: { pattern: `^${TAG}$` } } },
    // By its digest in place of a tag.
    { properties: { image: { pattern: `^${NAME}@sha256$` }, version: { pattern: '^[0-9a-f]{64}$' } } },
  ],
})
