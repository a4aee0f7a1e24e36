/**
 * The record of an incarnation as an in-toto Statement, version 1 (https://in-toto.io/Statement/v1): subjects with digests, and
 * a predicate. Everything but lines and logs is taken from the journal, so a reader can derive it again.
 */
import { createHash } from 'node:crypto'
import type { IsolationReport } from '../platform/isolation.ts'
import type { RunNumber, State } from '../po/model.ts'
import type { JournalEntry, JournalKind, MakeRecord, RecordedFacts } from '../po/ports/record.ts'
import type { SignEnvelope } from './envelope.ts'

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const PREDICATE_TYPE = 'urn:knative-pod-orchestration:run-record:v1'
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

interface RecordedRequest {
  readonly analysisId: string
  readonly projectId: string
  readonly image: string
  readonly registryHost: string
  readonly readsData: boolean
  /** Subject of the token that asked for it; null for an analysis that was taken over or is older than records. */
  readonly requestedBy: string | null
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()

/** The text whose digest is chained; `po.journal_item` makes the same. */
const journalItem = ({ at, kind, run, body }: JournalEntry): string => [at, kind, run, body].join('\n')

/** Head of the chain: the digest of the first item, then that of the digest before and the digest of the item. */
export function headOf(journal: readonly JournalEntry[]): string | undefined {
  const digests = journal.map((entry) => sha256(journalItem(entry)))
  return digests
    .reduce<Buffer | undefined>(
      (before, digest) => (before ? sha256(Buffer.concat([before, digest])) : digest),
      undefined,
    )
    ?.toString('hex')
}

/** Null for a body that somebody made unreadable: the record is made all the same, and says that it was changed. */
function contentOf<T>({ body }: JournalEntry): T | null {
  try {
    return JSON.parse(body) as T
  } catch {
    return null
  }
}

/** The content of the first entry of a kind, about one run if given: what the loop writes once, a later entry does not replace. */
function firstOf<T>(journal: readonly JournalEntry[], kind: JournalKind, run?: RunNumber): T | null {
  const entry = journal.find((one) => one.kind === kind && (run === undefined || one.run === run))
  return entry ? contentOf<T>(entry) : null
}

type Status = { readonly state: State; readonly cause: string | null }

const UNREADABLE: Status = { state: 'failed', cause: 'the entry of the journal cannot be read' }

const runsOf = (journal: readonly JournalEntry[]) =>
  [...new Set(journal.map(({ run }) => run))].map((run) => ({
    run,
    imageDigest: firstOf<string>(journal, 'image', run),
    policies: firstOf<Readonly<Record<string, string>>>(journal, 'policies', run),
    isolation: firstOf<IsolationReport>(journal, 'isolation', run),
    faults: journal.filter((one) => one.kind === 'fault' && one.run === run).map((one) => contentOf<object>(one)),
  }))

const statusesOf = (journal: readonly JournalEntry[]) =>
  journal
    .filter(({ kind }) => kind === 'status')
    .map((entry) => ({ at: entry.at, run: entry.run, ...(contentOf<Status>(entry) ?? UNREADABLE) }))

const HEX = /^sha256:([0-9a-f]{64})$/

/** What a record says of an incarnation, from its journal. */
export function derive(journal: readonly JournalEntry[]) {
  const request = firstOf<RecordedRequest>(journal, 'request')
  const runs = runsOf(journal)
  const statuses = statusesOf(journal)
  const end = statuses.at(-1)
  const images = new Set(
    runs.map(({ imageDigest }) => HEX.exec(imageDigest ?? '')?.[1]).filter((hex) => hex !== undefined),
  )
  return {
    subject: [
      {
        name: `request ${request?.analysisId}`,
        digest: { sha256: sha256(journal[0]?.body ?? '').toString('hex') },
      },
      ...[...images].map((hex) => ({ name: request?.image ?? '', digest: { sha256: hex } })),
    ],
    request,
    runs,
    statuses,
    // Its objects are gone when a record is made, so an analysis that is stopping has stopped.
    end: end && { ...end, state: end.state === 'stopping' ? ('stopped' as const) : end.state },
  }
}

/** @param node id of the node at the Hub */
export function statementOf({ journal, journalHead, ...facts }: RecordedFacts, node: string, madeAt: Date) {
  const { subject, ...derived } = derive(journal)
  return {
    _type: STATEMENT_TYPE,
    subject,
    predicateType: PREDICATE_TYPE,
    predicate: { node, madeAt: madeAt.toISOString(), ...derived, ...facts, journal, journalHead },
  }
}

/** Makes records with the key of the node. */
export const recordMaker =
  (signEnvelope: SignEnvelope): MakeRecord =>
  async (facts, node, at) =>
    signEnvelope(PAYLOAD_TYPE, JSON.stringify(statementOf(facts, node, at)))

export type Statement = ReturnType<typeof statementOf>
