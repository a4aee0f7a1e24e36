/**
 * Everything that reads a text a stranger may have written, under the worst such text: 100 kB take less than 50 ms, since
 * a function serves all its callers from one thread. Each parser names its own worst inputs; others are generated from its
 * alphabet, as a prefix, one or two repeated pieces, and an end that does not match.
 */
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { imageFault } from '../../shared/dt/image.ts'
import { parseJobName } from '../../shared/dt/names.ts'
import { subjectOf } from '../../shared/dt/reconcile/handle.ts'
import { dtSchemas } from '../../shared/dt/schema.ts'
import { clashingName, isInputName } from '../../shared/dt/spec.ts'
import { parseEvent } from '../../shared/events/cloud-event.ts'
import { isFileName, parseObjectId } from '../../shared/files/model.ts'
import { bearerToken, createVerify } from '../../shared/http/auth.ts'
import { assertJson } from '../../shared/http/body.ts'
import { attachment } from '../../shared/http/disposition.ts'
import { requestIdOf } from '../../shared/http/exchange.ts'
import { namesOf } from '../../shared/http/form-names.ts'
import { boundaryOf } from '../../shared/http/form-parts.ts'
import { createMatcher } from '../../shared/http/match.ts'
import { formFile, isForm } from '../../shared/http/multipart.ts'
import { expectedTags, select } from '../../shared/http/range.ts'
import { parseRegistry } from '../../shared/platform/registry.ts'
import { tokenOwner } from '../../shared/platform/service-token.ts'
import { parseAnalysisId } from '../../shared/po/model.ts'
import { parseObjectName, parseRunName } from '../../shared/po/names.ts'
import { labelValue } from '../../shared/po/objects/metadata.ts'
import { poSchemas } from '../../shared/po/schema.ts'
import { allRoutes } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'
import { inPieces } from '../conformance/files/blob-subject.ts'
import { AUTH } from './http/edge.ts'

const BUDGET_MS = 50
/** The smaller ones first: a parser that is far too slow is found within seconds. */
const SIZES = [1000, 10_000, 100_000]
/** The best of so many counts: the collector of garbage works beside it. What others use of the machine is not counted. */
const ATTEMPTS = 3

type Parse = (text: string) => unknown

interface Parser {
  readonly name: string
  readonly parse: Parse
  /** What its inputs are made of. */
  readonly alphabet: readonly string[]
  readonly starts?: readonly string[]
  readonly worst?: readonly ((size: number) => string)[]
}

const many = (piece: string, size: number): string => piece.repeat(Math.ceil(size / piece.length)).slice(0, size)

/** Runs of one piece, of two after each other, and of two in turn; then something that is in no alphabet. */
function* generated({ alphabet, starts = [''] }: Parser, size: number): Generator<string> {
  for (const start of starts)
    for (const one of alphabet) {
      yield `${start}${many(one, size)}`
      yield `${start}${many(one, size)}\u0001\n`
      for (const two of alphabet) {
        if (one === two) continue
        yield `${start}${many(one, size / 2)}${many(two, size / 2)}\u0001`
        yield `${start}${many(one + two, size)}\u0001`
        yield `${start}${many(one, size / 3)}${two}${many(one, size / 3)}\u0001`
      }
    }
}

async function milliseconds(parse: Parse, text: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < ATTEMPTS && best >= BUDGET_MS; attempt += 1) {
    const began = process.cpuUsage()
    try {
      await parse(text)
    } catch {
      // refused, which is as good
    }
    const { user, system } = process.cpuUsage(began)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

const settled =
  (schema: z.ZodType, wrapped: (text: string) => unknown): Parse =>
  (text) =>
    schema.safeParse(wrapped(text))
const request = (headers: Record<string, string>) => ({ headers }) as never
const FORM = { 'content-type': 'multipart/form-data; boundary=edge' }
const part = (disposition: string) =>
  Buffer.from(`--edge\r\nContent-Disposition: ${disposition}\r\n\r\nx\r\n--edge--\r\n`)

async function ofForm(headers: Record<string, string>, body: Buffer) {
  const { content } = await formFile(headers, inPieces(body, 65_536), 'file')
  for await (const _ of content);
}

const launch = (fields: object) => ({
  image: 'i',
  version: '1',
  description: '',
  ana: { job_type: 'ondemand' },
  ...fields,
})
const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }
const NO_BODY = Buffer.alloc(0)
const verify = createVerify(AUTH, (async () => {
  throw new Error('no key')
}) as never)
const matchers = allRoutes.map(({ endpoints }) => createMatcher(endpoints, '/api/orchestrator/v1alpha1'))
const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
const OBJECT_ID = '669a4eee364a1b751c550b02'
const HEADER_SPACE = [' ', '\t']

const PARSERS: readonly Parser[] = [
  {
    name: 'Range',
    parse: (range) => select('GET', { range }, '"x"', 100),
    starts: ['', 'bytes=', 'bytes=0'],
    alphabet: [...HEADER_SPACE, '0', '-', ',', 'bytes='],
    worst: [(size) => `bytes=${many(' ', size / 2)}-${many(' ', size / 2)}x`],
  },
  {
    name: 'If-None-Match',
    parse: (tags) => select('GET', { 'if-none-match': tags }, '"x"', 100),
    alphabet: [...HEADER_SPACE, '"', 'W/', ',', '*', 'a'],
  },
  { name: 'If-Match', parse: expectedTags, alphabet: [...HEADER_SPACE, '"', 'W/', ',', '*', 'a'] },
  {
    name: 'Content-Type of JSON',
    parse: (type) => assertJson(request({ 'content-type': type, 'content-length': '2' })),
    starts: ['', 'application/', 'application/json', 'application/json; charset='],
    alphabet: [...HEADER_SPACE, ';', 'a', '+', '.', 'charset', '=', '"', 'json'],
  },
  {
    name: 'Content-Type of a form',
    parse: (type) => ofForm({ 'content-type': type }, part('form-data; name="file"; filename="a"')),
    starts: ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="'],
    alphabet: [...HEADER_SPACE, ';', 'a', '=', '"', '\\', "'", '*', '%41', '-'],
  },
  {
    name: 'whether it is a form',
    parse: (type) => isForm({ 'content-type': type }),
    alphabet: ['multipart/', ' ', 'a'],
  },
  {
    name: 'Content-Disposition of a part',
    parse: (text) => ofForm(FORM, part(text)),
    starts: ['', 'form-data; name="file"; filename="', 'form-data; name="file"; filename*=UTF-8\'\''],
    alphabet: [...HEADER_SPACE, ';', 'a', '=', '"', '\\', "'", '*', '%41', '\u00ff'],
  },
  {
    name: 'names in a form',
    parse: (text) => namesOf(text, 'aiohttp/3'),
    starts: ['', 'form-data; name="', 'form-data; filename*=', 'form-data; filename="=?utf-8?B?'],
    alphabet: [...HEADER_SPACE, ';', 'a', '=', '"', '\\', "'", '*', '%41', '\u00ff', ';a="'],
  },
  {
    name: 'boundary of a form',
    parse: boundaryOf,
    starts: ['', ';boundary=', ';boundary="'],
    alphabet: [...HEADER_SPACE, ';', 'a', '=', '"', ';boundary='],
  },
  {
    name: 'Content-Disposition of a download',
    parse: attachment,
    alphabet: ['a', '/', '\\', '"', '%', '\u540d', '\ud800'],
  },
  {
    name: 'Authorization',
    parse: (header) => verify(bearerToken(header)),
    starts: ['', 'Bearer ', 'Bearer x'],
    alphabet: [...HEADER_SPACE, 'x', '.', 'bearer ', 'ey'],
  },
  {
    name: 'token of a service',
    parse: (token) => tokenOwner(['k'], token),
    starts: ['', `${OBJECT_ID}.`],
    alphabet: ['a', '.', '-', ' '],
  },
  {
    name: 'X-Request-Id',
    parse: (id) => requestIdOf(request({ 'x-request-id': id })),
    alphabet: ['a', '-', '.', ':', ' '],
  },
  ...['ce-id', 'ce-source', 'ce-type', 'ce-subject', 'ce-time', 'ce-dataschema', 'content-type'].map((name) => ({
    name: `CloudEvent ${name}`,
    parse: (text: string) => parseEvent({ ...event, [name]: text }, NO_BODY),
    starts: ['', '"', '2026-01-01T', 'http://'],
    alphabet: [...HEADER_SPACE, '"', '\\', '%41', '%', '/', '0', ':', 'a', ';'],
  })),
  {
    name: 'CloudEvent of JSON',
    parse: (text) => parseEvent({ 'content-type': 'application/cloudevents+json' }, Buffer.from(text)),
    starts: ['', '{"specversion":"1.0","id":"1","source":"/","type":"t","data":'],
    alphabet: ['[', '{"a":', '"', '\\', '1', ' '],
  },
  {
    name: 'subject of an event',
    parse: (subject) => subjectOf({ type: 't', subject }),
    alphabet: ['/', 'jobs/', 'a', '-'],
  },
  {
    name: 'path of a request',
    parse: (path) => matchers.map((find) => find('GET', path)),
    starts: ['/', '/run/x/outputs/', '/api/orchestrator/v1alpha1/'],
    alphabet: ['/', 'a', '%2f', '%', 'outputs/', '.'],
  },
  ...(['skip', 'limit'] as const).flatMap((name) => [
    {
      name: `?${name} of files`,
      parse: settled(dtSchemas.fileList.query, (text) => ({ [name]: text })),
      alphabet: [' ', '0', '1', '-', '+', '.', 'e'],
    },
    {
      name: `?${name} of services`,
      parse: settled(dtSchemas.serviceList.query, (text) => ({ [name]: text })),
      alphabet: [' ', '0', '1', '-', '+', '.', 'e'],
    },
  ]),
  {
    name: 'schedule',
    parse: settled(dtSchemas.serviceLaunch.body, (schedule) => launch({ ana: { job_type: 'scheduled', schedule } })),
    starts: ['', '* ', '0 0 1 1 '],
    alphabet: [' ', '*', '0', '1', ',', '-', '/', '1,', '1-1', '*/1'],
  },
  {
    name: 'key of a label',
    parse: settled(dtSchemas.serviceLaunch.body, (key) => launch({ labels: { [key]: '' } })),
    alphabet: ['a', '.', '-', '/', '_'],
  },
  {
    name: 'value of a label',
    parse: settled(dtSchemas.serviceLaunch.body, (value) => launch({ labels: { a: value } })),
    alphabet: ['a', '.', '-', '_'],
  },
  ...['reps', 'port'].map((name) => ({
    name: `number ${name}`,
    parse: settled(dtSchemas.serviceLaunch.body, (text) =>
      launch({ [name]: text, ana: { job_type: 'ondemand', reps: text } }),
    ),
    alphabet: [' ', '0', '1', '-', '+'],
  })),
  {
    name: 'names of inputs that clash',
    parse: (text) => clashingName(text.split(',')),
    alphabet: ['a', '/', ',', 'a,', 'a/', 'ab,'],
  },
  { name: 'name of an image', parse: imageFault, alphabet: ['a', '.', '_', '-', '/', ':', '@', 'A', '0'] },
  { name: 'name of an input', parse: isInputName, alphabet: ['/', 'a', '.', '..', '../'] },
  {
    name: 'id of an analysis',
    parse: settled(poSchemas.status.params, (analysis_id) => ({ analysis_id })),
    starts: ['', ID],
    alphabet: ['a', '-', '0'],
  },
  { name: 'analysis id', parse: parseAnalysisId, starts: ['', ID], alphabet: ['a', '-', '0'] },
  {
    name: 'name of a run',
    parse: parseRunName,
    starts: ['', `analysis-${ID}-`],
    alphabet: ['a', '-', '0', 'analysis-'],
  },
  {
    name: 'name of an object',
    parse: parseObjectName,
    starts: ['', `nginx-analysis-${ID}-1`],
    alphabet: ['a', '-', '0'],
  },
  { name: 'name of a Job', parse: parseJobName, starts: ['', OBJECT_ID], alphabet: ['a', '-', '0', '-fan-in'] },
  { name: 'name of a file', parse: isFileName, alphabet: ['a', '/', '\u{1F600}'] },
  { name: 'id of a file', parse: parseObjectId, alphabet: ['a', '0', '-'] },
  { name: 'registry_url', parse: parseRegistry, starts: ['', 'https://'], alphabet: ['/', 'a', ':', '\n', '.', '@'] },
  { name: 'label made of a text', parse: labelValue, alphabet: ['a', '-', '.', ' ', '/'] },
  ...Object.entries(SETTINGS).map(([name, { parse }]) => ({
    name: `setting ${name}`,
    parse: parse as Parse,
    starts: ['', 'http://', '1'],
    alphabet: ['0', 'a', '.', '/', ',', '=', ':', ' ', '{"'],
  })),
]

describe(`100 kB are read in less than ${BUDGET_MS} ms:`, () => {
  test.each(PARSERS)('$name', async (parser) => {
    for (const size of SIZES) {
      const inputs = [...(parser.worst ?? []).map((make) => make(size)), ...generated(parser, size)]
      for (const text of inputs) {
        const took = await milliseconds(parser.parse, text)
        const shown = `${JSON.stringify(text.slice(0, 40))}…${JSON.stringify(text.slice(-10))} (${text.length} characters)`
        expect(took, shown).toBeLessThan(BUDGET_MS)
      }
    }
  })
})
