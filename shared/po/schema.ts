/**
 * Requests and answers of `/po`, for `endpoint()` and the OpenAPI description. Numbers and null are not accepted as strings;
 * unknown fields are ignored.
 */
import * as z from 'zod'
import type { AnySchemas } from '../http/schemas.ts'
import { REGISTRY_PATTERN } from '../platform/registry.ts'
import { LOG_LEVELS, parseAnalysisId, type RunNumber, STATUS_WORDS } from './model.ts'

/** A UUID of any version and case, with dashes or without: the id, and the spelling that answers repeat. */
const spelledId = z
  .string()
  .meta({ format: 'uuid' })
  .transform((spelling, context) => {
    const id = parseAnalysisId(spelling)
    if (id) return { id, spelling }
    context.addIssue({ code: 'custom', message: 'Input should be a valid UUID', params: { type: 'uuid_parsing' } })
    return z.NEVER
  })
const uuid = spelledId.transform(({ id }) => id)

/** PostgreSQL stores every character except NUL. */
const plain = z
  .string()
  .refine((text) => !text.includes('\0'), 'Input should hold no NUL character')
  .meta({ pattern: '^[^\\u0000]*$' })

/** A superset of what a kubelet accepts as the name of an image. */
const image = z.string().regex(/^[!-~]+$/, 'Input should be the name of an image')

/** Names of runs have at most nine digits; run numbers count up from the restart counter. */
const RESTART_COUNTER_LIMIT = 99_999_999

const createAnalysis = z.object({
  analysis_id: spelledId,
  project_id: uuid,
  registry_url: plain.meta({
    pattern: REGISTRY_PATTERN,
    description: 'Registry of the image; empty: the one of this node',
  }),
  image_url: image,
  registry_user: plain,
  registry_password: z.string().meta({ writeOnly: true }),
  kong_token: z.string().meta({ writeOnly: true, description: '`none_needed` for an analysis that reads no data' }),
  restart_counter: z.int().min(0).max(RESTART_COUNTER_LIMIT).default(0),
  progress: z.int().min(0).max(100).default(0),
})
export type CreateAnalysis = z.output<typeof createAnalysis>

/** Analyses write anything, so characters that the database cannot store are replaced, not refused. */
const line = z.string().transform((text) => text.replaceAll('\0', '\uFFFD').toWellFormed())

const createLogEntity = z.object({
  log: line,
  log_type: z.enum(LOG_LEVELS),
  analysis_id: uuid,
  status: line.describe('What the analysis says of itself; free text'),
  progress: z.int(),
})
export type CreateLogEntity = z.output<typeof createLogEntity>

const statusWord = z.enum(STATUS_WORDS)

/** zod checks this in two thirds of the time of `z.record`, which matters for an answer with all analyses. */
const statusAnswer = z.object({}).catchall(z.object({ status: statusWord, progress: z.int().min(0).max(100) }))

const statusOnlyAnswer = z.record(z.string(), statusWord)

const isNameList = (text: string): boolean => {
  try {
    return z.array(z.string()).safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

const nameList = z
  .string()
  .refine(isNameList, 'a JSON list of names')
  .meta({ examples: ['["analysis-0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d-1-5d9c8-x2x9k"]'] })
const podsAnswer = z.record(z.string(), z.array(nameList))

const logsById = z.record(z.string(), z.array(z.string()))
const logsAnswer = z.object({ analysis: logsById, nginx: logsById })

/** One text per requested word, and always one for `zombies`. */
const cleanupAnswer = z.object({ zombies: z.string() }).catchall(z.string())

export const healthAnswer = z.object({ status: z.literal('ok') })

/** A number in a query, where everything is text. */
const runNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'Input should be the number of a run')
  .transform((text) => Number(text) as RunNumber)
  .meta({ description: 'A run of the analysis; left out: its last record' })

/** DSSE, https://github.com/secure-systems-lab/dsse */
const envelope = z.object({
  payloadType: z.string(),
  payload: z.string().describe('An in-toto Statement, version 1, as JSON in Base64'),
  signatures: z.array(
    z.object({ keyid: z.string().describe('JWK thumbprint of the key of the node'), sig: z.string() }),
  ),
})

const oneOrAll = z.object({ analysis_id: spelledId.optional() })
const cleanupParams = z.object({
  cleanup_type: z.string().describe('Words of all, analyzes, services, mb, rs, keycloak, zombies; separated by commas'),
})

/** Of an endpoint for one analysis, or for all. */
const forOneOrAll = <Answer extends z.ZodType>(answer: Answer, ...failures: string[]) => ({
  params: oneOrAll,
  answer,
  failures,
})

/** By the keys of `routes.po`. */
export const poSchemas = {
  create: {
    body: createAnalysis,
    answer: statusOnlyAnswer,
    refused: 'Kubernetes does not take an object of it, and says why',
    failures: ['Error creating analysis'],
    conflict: 'An analysis of this id runs with another image, project or registry',
  },
  history: forOneOrAll(logsAnswer, 'Error retrieving ALL history data', 'Error retrieving history data'),
  logs: forOneOrAll(logsAnswer, 'Error retrieving ALL logs data', 'Error retrieving logs data'),
  streamLogs: { body: createLogEntity, answer: z.null(), failures: ['Error streaming logs'] },
  status: forOneOrAll(statusAnswer, 'Error retrieving ALL status data', 'Error retrieving status data'),
  pods: forOneOrAll(podsAnswer, 'Error retrieving ALL pod names', 'Error retrieving pod name'),
  stop: forOneOrAll(statusOnlyAnswer, 'Error stopping ALL analyzes', 'Error stopping analysis'),
  delete: forOneOrAll(z.record(z.string(), z.null()), 'Error deleting ALL analyzes', 'Error deleting analysis'),
  cleanup: { params: cleanupParams, answer: cleanupAnswer, failures: ['Error cleaning up'] },
  record: {
    params: z.object({ analysis_id: uuid }),
    query: z.object({ run: runNumber.optional() }),
    answer: envelope,
    missing: 'The analysis has no record: it is unknown, has not ended, or its pods are still being removed',
    failures: ['Error retrieving record'],
  },
  healthz: { answer: healthAnswer, failures: ['Error checking health'] },
} as const satisfies Record<string, AnySchemas>
