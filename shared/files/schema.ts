/** Requests and answers of the functions that store and serve files, for `endpoint()` and the OpenAPI description. */
import * as z from 'zod'
import type { AnySchemas, Media } from '../http/schemas.ts'
import { noRun } from './access.ts'
import { fileRef } from './files.ts'
import { type ObjectId, parseObjectId } from './model.ts'

/** Numbers may be sent as text. `Number` alone would also accept blanks, `0x10` and `1e3`. */
const WHOLE = /^\s*[+-]?[0-9]+\s*$/
const number = (value: unknown): unknown => (typeof value === 'string' && WHOLE.test(value) ? Number(value) : value)
const between = (min: number, max: number) => z.int().min(min).max(max)
export const whole = (min: number, max: number) => z.preprocess(number, between(min, max))
/** The default is inside, where the description finds it. */
const wholeOr = (otherwise: number, min: number, max: number) =>
  z.preprocess(number, between(min, max).default(otherwise))

/** Most rows of a page: a list is made in memory before it is sent. */
const PAGE_LIMIT = 1000
export const page = z.object({ skip: wholeOr(0, 0, Number.MAX_SAFE_INTEGER), limit: wholeOr(10, 1, PAGE_LIMIT) })

const oneFile = z.object({ file_id: z.string().transform(fileRef) })

const fileRow = z.object({
  file_id: z.string(),
  filename: z.string(),
  length: z.int(),
  uploadDate: z.string().describe('UTC, without a zone'),
  metadata: z.object({ hash: z.string().describe('MD5') }),
})

const stored = z.object({ file_id: z.string(), filename: z.string(), message: z.string().optional() })
const message = z.object({ message: z.string() })

const FORM: Media = {
  'multipart/form-data': {
    schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
  },
}
const BYTES: Media = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }

const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const small = z.coerce.number().int().min(0).max(1_000_000)
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))

/** As long as the longest path. */
const after = z.string().max(4096).default('')
const LIST_PAGE = 1000
const pageSize = z.coerce.number().int().min(1).max(LIST_PAGE)
const runQuery = z.object({
  firing: count,
  index: small,
  attempt: small,
  after: after.describe('Of a list: files after this path'),
  limit: pageSize.default(LIST_PAGE),
  sha256: hex(64).optional().describe('Of a file: the content of one that was uploaded before, instead of a body'),
})
export type RunQuery = z.output<typeof runQuery>

const outputFile = z.object({ path: z.string(), sha256: hex(64), length: z.int().min(0) })
const outputSet = z.object({
  state: z.enum(['open', 'complete', 'incomplete']),
  reason: z.string().nullable(),
  count: z.int(),
  bytes: z.int(),
  files: z.array(outputFile).describe('Of an open set, a page'),
})

const uploaded = outputFile.partial({ length: true })

const notes = z.array(z.string().max(5000)).max(10_000).default([])
const digest = z.object({
  files: z.int().min(0),
  bytes: z.int().min(0),
  sha256: hex(64).describe(
    'Of `<sha256> <length> <path>` and a NUL for each file, in the order of the bytes of their paths',
  ),
})
/** How a run ends: with all its files, as a digest or as the list that version 0.1 sent, or with a reason why some are missing. */
export const ending = z.union([
  z.object({ complete: digest, notes }),
  z.object({ files: z.array(outputFile), notes }),
  z.object({ incomplete: z.string().min(1).max(2000), notes }),
])
const runInputs = z.array(
  z.object({
    name: z.string(),
    file_id: z.string(),
    sha256: z.string().nullable().describe('Null: there is no such file'),
    length: z.int().nullable(),
  }),
)

/** @throws Fault `not_found` for a text that is not an id */
function serviceIdOf(text: string): ObjectId {
  const id = parseObjectId(text)
  if (!id) throw noRun()
  return id
}

const NO_FILE = 'There is no file of this id'
const IF_MATCH = {
  'If-Match': 'ETags that the file is to have, or `*`: with any other nothing changes and the answer is 412',
}
const RANGES = {
  Range: 'One range of bytes; several are answered with the whole file',
  'If-Range': 'The ETag that the file is to have for the range to count',
  'If-None-Match': 'ETags that the caller has, or `*`: for these the answer is 304',
}
/** Answers to {@link RANGES}. */
const rangeAnswers = (subject: string) => ({
  206: { description: 'The range that was asked for', content: BYTES },
  304: { description: 'The caller has it already' },
  416: {
    description: `The ${subject} has no such range`,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
})

/** By the keys of `routes.dt`. */
export const fileSchemas = {
  fileList: { query: page, answer: z.array(fileRow), failures: ['Error listing files'] },
  fileUpload: { answer: stored, failures: ['Error storing file'], media: { body: FORM } },
  fileGet: {
    params: oneFile,
    missing: NO_FILE,
    answer: z.string(),
    failures: ['Error reading file', 'Error reading file'],
    headers: RANGES,
    answers: rangeAnswers('file'),
    media: { answer: BYTES },
  },
  fileReplace: {
    params: oneFile,
    missing: NO_FILE,
    answer: stored,
    failures: ['Error replacing file'],
    headers: IF_MATCH,
    media: { body: { ...FORM, ...BYTES }, bodyOptional: true },
  },
  fileDelete: {
    params: oneFile,
    missing: NO_FILE,
    headers: IF_MATCH,
    answer: message,
    failures: ['Error deleting file'],
  },
  serviceOutput: {
    params: z
      .object({ id: z.string(), idx: z.coerce.number().int() })
      .transform(({ id, idx }) => ({ id: serviceIdOf(id), idx })),
    answer: z.unknown(),
    missing: 'There is no service of this id, or no such output of it',
    failures: ['Error downloading file'],
    headers: RANGES,
    answers: rangeAnswers('output'),
    media: { answer: { 'application/json': { schema: {} }, ...BYTES } },
  },
  runInput: {
    params: z.object({ sha256: hex(64).default('') }),
    query: z.object({
      step: z.enum(['replication', 'fan-in']).default('replication'),
      firing: count.default(0),
      after: after.describe('Inputs after this name'),
      limit: pageSize.optional().describe('Left out: all, if they are not too many'),
    }),
    answer: runInputs,
    failures: ['Error listing inputs', 'Error reading input'],
  },
  runOutput: {
    params: z.object({ path: z.string().default('') }),
    query: runQuery,
    answer: z.union([outputSet, uploaded]),
    failures: ['Error reading outputs', 'Error storing output', 'Error completing outputs'],
    conflict: 'The run or its service has ended already, or what it says is not what was taken of it',
  },
} satisfies Readonly<Record<string, AnySchemas>>
