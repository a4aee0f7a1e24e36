/**
 * Requests and answers of the digital-twin API, for `endpoint()` and the OpenAPI description. Unknown fields are ignored.
 */
import * as z from 'zod'
import { fileSchemas, page, whole } from '../files/schema.ts'
import type { AnySchemas } from '../http/schemas.ts'
import { BOUNDS, isLonger } from './bounds.ts'
import { imageFault } from './image.ts'
import { launchDescription } from './launch-description.ts'
import { CONCURRENCY_POLICIES, JOB_TYPES, PHASES, RUN_PHASES, SERVICE_ID, STATUS_WORDS } from './model.ts'
import {
  canonicalMounts,
  countFault,
  environmentFault,
  mountsFault,
  type RecordFault,
  reservedVariable,
  type Texts,
} from './spec.ts'
import { serviceIdOf } from './status.ts'

const healthAnswer = z.object({ status: z.literal('ok') })

/** PostgreSQL stores every character but NUL. */
const plain = z.string().refine((text) => !text.includes('\0'), 'Input should hold no NUL character')

/** One field of cron: `*`, a number, a range or a list, and a step. Names and lists of ranges are not supported. */
const field = (value: string): string => `(?:\\*|${value}(?:-${value}|(?:,${value})*))(?:/[1-9]\\d*)?`
const CRON = new RegExp(
  `^${[
    field('[0-5]?\\d'),
    field('(?:1?\\d|2[0-3])'),
    field('(?:[1-9]|[12]\\d|3[01])'),
    field('(?:[1-9]|1[0-2])'),
    field('[0-6]'),
  ].join('\\s+')}$`,
)

const schedule = z
  .string()
  .max(BOUNDS.schedule)
  .refine((text) => CRON.test(text), {
    error: 'Input should be five fields of cron: minute, hour, day of month, month, day of week (0 to 6)',
    params: { type: 'string_pattern_mismatch' },
  })

const bounded = (most: number) =>
  plain.refine((text) => !isLonger(text, most), `Input should have at most ${most} characters`)

const report = ({ key, message }: RecordFault, context: z.RefinementCtx): void =>
  context.addIssue({ code: 'custom', path: key === null ? [] : [key], message })

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A record of texts with the same check as the resource. One that is too large is counted but not read. */
const textsWith = (most: number, what: string, faultOf: (texts: Texts) => RecordFault | undefined) =>
  z.preprocess(
    (value, context) => {
      const fault = isRecord(value) ? countFault(value, most, what) : undefined
      if (!fault) return value
      report(fault, context)
      return z.NEVER
    },
    z.record(z.string(), z.string()).superRefine((texts, context) => {
      const fault = faultOf(texts)
      if (fault) report(fault, context)
    }),
  )

const environment = textsWith(BOUNDS.variables, 'variables', environmentFault)
const mounts = textsWith(BOUNDS.mounts, 'files', mountsFault).transform(canonicalMounts)

const analytics = z
  .object({
    job_type: z.enum(JOB_TYPES),
    reps: whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).nullish(),
    schedule: schedule.nullish(),
  })
  .refine(({ job_type, schedule }) => job_type !== 'scheduled' || (schedule ?? null) !== null, {
    error: 'Scheduled services need a schedule',
  })

const LABEL_KEY = /^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/
const labels = z
  .record(
    z.string().regex(LABEL_KEY, 'Input should be the key of a Kubernetes label'),
    z.string().regex(LABEL_VALUE, 'Input should be the value of a Kubernetes label'),
  )
  .refine((record) => Object.keys(record).length <= BOUNDS.labels, `Input should have at most ${BOUNDS.labels} labels`)

const isGiven = (value: object | null | undefined): boolean =>
  value !== null && value !== undefined && Object.keys(value).length > 0

/** An empty object is the same as null. */
const emptyIsNone = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0 ? null : value

const NO_SECRETS =
  'Variables of the image. They are stored in clear, in the database and in the resource: a value must not be a secret.'

function checkImage(text: string, path: string[], context: z.RefinementCtx): void {
  const fault = imageFault(text)
  if (fault !== undefined)
    context.addIssue({ code: 'custom', path, message: `Input should be the name of an image: ${fault}` })
}

export const launchBody = z
  .object({
    image: bounded(BOUNDS.image).describe(
      'Name of the image without its tag; or name@sha256, with the digest as version',
    ),
    version: bounded(BOUNDS.image).describe('Tag of the image'),
    description: bounded(BOUNDS.description),
    port: whole(1024, 65_535).nullish(),
    env: environment.nullish().describe(NO_SECRETS),
    mount_files: mounts.nullish().describe('Id of a file → its name below /input'),
    ana: z.preprocess(emptyIsNone, analytics.nullish()),
    sim: z.looseObject({}).nullish().describe('Not supported'),
    display_name: bounded(BOUNDS.displayName).nullish(),
    labels: labels.nullish(),
    parallelism: whole(1, 100).nullish(),
    retries: whole(0, 20).nullish(),
    fan_in: z
      .object({
        image: bounded(BOUNDS.image).superRefine((image, context) => checkImage(image, [], context)),
        env: environment.nullish().describe(NO_SECRETS),
      })
      .nullish()
      .describe('A step after all runs'),
    concurrency_policy: z.enum(CONCURRENCY_POLICIES).nullish(),
    history_limit: whole(1, 1000).nullish(),
    retention_days: whole(0, 36_500).nullish(),
  })
  .superRefine(({ ana, sim, env, image, version, port }, context) => {
    checkImage(`${image}:${version}`, ['image'], context)
    // As for the resource: either alone is ignored.
    if (ana?.job_type === 'ondemand' && typeof ana.schedule === 'string' && typeof port === 'number')
      context.addIssue({
        code: 'custom',
        path: ['ana', 'schedule'],
        message: 'An ondemand service with a port takes no schedule',
      })
    const reserved = reservedVariable(ana?.job_type ?? '', env ?? {})
    if (reserved !== undefined)
      context.addIssue({ code: 'custom', path: ['env', reserved], message: `${reserved} is given by Knative` })
    if (isGiven(ana) === isGiven(sim))
      context.addIssue({
        code: 'custom',
        message: 'Exactly one of ana and sim must be given',
        params: { type: 'assertion_error' },
      })
    else if (isGiven(sim))
      context.addIssue({
        code: 'custom',
        path: ['sim'],
        message: `Simulations of this form are not supported; give ana with a job_type of ${JOB_TYPES.join(', ')}`,
      })
  })
export type LaunchBody = z.output<typeof launchBody>

const one = z.object({ id: z.string().transform(serviceIdOf) })

const count = z.int().min(0)
const counters = {
  active_runs: count,
  succeeded_runs: count,
  failed_runs: count,
  total_runs: count,
  status: z.enum(STATUS_WORDS),
  phase: z.enum(PHASES),
  reason: z.string().nullable(),
  progress: z.object({ done: count, of: count }).nullable(),
  url: z.string().nullable(),
}
const textsByKey = z.object({}).catchall(z.string())

const listRow = z.object({
  id: z.string(),
  image: z.string(),
  version: z.string(),
  description: z.string(),
  display_name: z.string().nullable(),
  labels: textsByKey,
  job_type: z.string(),
  reps: z.number().nullable(),
  schedule: z.string().nullable(),
  mount_files: textsByKey.nullable(),
  output_files: textsByKey.nullable(),
  created_at: z.number(),
  ...counters,
})

const runRow = z.object({
  firing: z.number(),
  index: count,
  step: z.enum(['replication', 'fan-in']),
  attempt: count,
  run_id: z.string(),
  phase: z.enum(RUN_PHASES),
  exit_code: z.number().nullable(),
  reason: z.string().nullable(),
  started_at: z.number().nullable(),
  ended_at: z.number().nullable(),
  log_tail: z.string().nullable(),
  output_files: textsByKey,
})

const NO_SERVICE = 'There is no service of this id'

/** By the keys of `routes.dt`. */
const serviceSchemas = {
  serviceList: { query: page, answer: z.array(listRow), failures: ['Error listing services'] },
  serviceLaunch: {
    success: 202,
    body: launchBody.meta({ described: launchDescription(CRON.source) }),
    answer: z.object({ id: z.string().regex(SERVICE_ID) }),
    refused: 'Kubernetes does not take it, and says why',
    failures: ['An error occurred'],
  },
  serviceStatus: {
    params: one,
    missing: NO_SERVICE,
    answer: z.object({ ...counters, output_files: z.array(z.string()) }),
    failures: ['Error reading the status'],
  },
  serviceRuns: { params: one, missing: NO_SERVICE, answer: z.array(runRow), failures: ['Error reading the runs'] },
  serviceLogs: { params: one, missing: NO_SERVICE, answer: textsByKey, failures: ['Error reading the logs'] },
  serviceTerminate: {
    params: one,
    missing: NO_SERVICE,
    answer: z.object({ message: z.string() }),
    failures: ['An error occurred'],
  },
} satisfies Readonly<Record<string, AnySchemas>>

/** By the keys of `routes.dt`. */
export const dtSchemas = {
  ...serviceSchemas,
  healthz: { answer: healthAnswer, failures: ['Error checking health'] },
  ...fileSchemas,
} satisfies Readonly<Record<string, AnySchemas>>
