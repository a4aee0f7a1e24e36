/** Fixture of the suite: two empty stores for each test, a clock, and builders of services, runs and outputs. */
import { createHash, randomBytes } from 'node:crypto'
import { beforeEach } from 'vitest'
import {
  type ChangeKind,
  ENDED_PHASES,
  PHASES,
  type Phase,
  type Run,
  type Service,
  type ServiceChange,
  type ServiceId,
  type ServiceRunRef,
  type ServiceSpec,
} from '../../../shared/dt/model.ts'
import type { DtStore, NewService } from '../../../shared/dt/ports/store.ts'
import type { ObjectId, OutputLimits, RunKey } from '../../../shared/files/model.ts'
import type { Catalogue, OutputFile, Received, Runs, SetDigest } from '../../../shared/files/ports.ts'

export interface Target {
  readonly store: DtStore
  /** The same data through other connections. */
  readonly other: DtStore
  readonly catalogue: Catalogue
  readonly runs: Runs
  /** Of another pod. */
  readonly otherRuns: Runs
}

/** Makes a target on empty data that takes the time from this clock; called before each test. */
export type MakeTarget = (now: () => Date) => Promise<Target>

export interface Subject extends Target {
  readonly now: () => Date
  /** Advances the clock by this many milliseconds. */
  readonly pass: (ms: number) => Date
}

export const LEASE_MS = 60_000
export const DAY_MS = 86_400_000
const START = Date.parse('2026-01-05T08:00:00.250Z')

/** Makes a target before each test; the fields are those of the test that runs. */
export function prepare(make: MakeTarget): Subject {
  let target: Target | undefined
  let time = START
  const now = () => new Date(time)
  const present = (): Target => {
    if (!target) throw new Error('no test is running')
    return target
  }
  beforeEach(async () => {
    time = START
    target = await make(now)
  })
  return {
    get store() {
      return present().store
    },
    get other() {
      return present().other
    },
    get catalogue() {
      return present().catalogue
    },
    get runs() {
      return present().runs
    },
    get otherRuns() {
      return present().otherRuns
    },
    now,
    pass: (ms) => {
      time += ms
      return now()
    },
  }
}

export const newId = (): ServiceId => randomBytes(12).toString('hex') as ServiceId
/** Ids of services and files are of one form. */
export const objectId = (id: string): ObjectId => id as ObjectId
export const idsOf = (rows: readonly { readonly id: ServiceId }[]): ServiceId[] => rows.map(({ id }) => id)

export const spec = (fields: Partial<ServiceSpec> = {}): ServiceSpec => ({
  image: 'registry.example/laboratory:2',
  description: 'a laboratory',
  displayName: null,
  jobType: 'ondemand',
  port: null,
  reps: 2,
  schedule: null,
  env: {},
  mountFiles: {},
  parallelism: null,
  retries: null,
  fanIn: null,
  concurrencyPolicy: null,
  historyLimit: null,
  retentionDays: null,
  ...fields,
})
export const SCHEDULED = { jobType: 'scheduled', schedule: '0 6 * * *' } as const

export const input = (fields: Partial<ServiceSpec> = {}, id = newId()): NewService => ({
  id,
  spec: spec(fields),
  labels: {},
  leaseMs: LEASE_MS,
})

export const change = (
  id: ServiceId,
  kind: ChangeKind,
  at: Date,
  fields: Partial<ServiceChange> = {},
): ServiceChange => ({
  id,
  kind,
  run: null,
  detail: {},
  at,
  ...fields,
})

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none')
  return value
}

/** A launched service whose launch is published. */
export async function launched(
  { store, now }: Pick<Subject, 'store' | 'now'>,
  fields: Partial<ServiceSpec> = {},
  id = newId(),
): Promise<Service> {
  await store.begin(input(fields, id))
  await store.launched(id, `uid-of-${id}`, change(id, 'launched', now()))
  for (const { seq } of await store.claimChanges(now(), 0, 10, id)) await store.settleChange(seq)
  return present(await store.find(id))
}

/** A service in a phase. */
export async function inPhase(subject: Subject, phase: Phase, fields: Partial<ServiceSpec> = {}): Promise<Service> {
  if (phase === 'launching') {
    const begun = input(fields)
    await subject.store.begin(begun)
    return present(await subject.store.find(begun.id))
  }
  const { id } = await launched(subject, fields)
  return present(await subject.store.move(id, ['pending'], phase))
}

export const isEndedPhase = (phase: Phase): boolean => (ENDED_PHASES as readonly Phase[]).includes(phase)
export const HIDDEN: readonly Phase[] = ['launching', 'removing']
export const SHOWN = PHASES.filter((phase) => !HIDDEN.includes(phase))

export const ref = (firing: number, index: number, attempt = 0): ServiceRunRef => ({ firing, index, attempt })

export const run = (at: ServiceRunRef, fields: Partial<Run> = {}): Run => ({
  ...at,
  pod: `pod-${at.firing}-${at.index}-${at.attempt}`,
  phase: 'running',
  exitCode: null,
  reason: null,
  startedAt: null,
  endedAt: null,
  logTail: null,
  ...fields,
})

export const succeeded = (at: ServiceRunRef, fields: Partial<Run> = {}): Run =>
  run(at, { phase: 'succeeded', exitCode: 0, startedAt: new Date(START), endedAt: new Date(START + 1000), ...fields })

export const record = (store: DtStore, id: ServiceId, ...runs: readonly Run[]) =>
  store.recordRuns(id, { runs, changes: [] })

/** Received bytes, identified by a word. */
export async function received(
  { catalogue, now }: Pick<Subject, 'catalogue' | 'now'>,
  word: string,
): Promise<Received> {
  const digest = (algorithm: string) => createHash(algorithm).update(word).digest('hex')
  return {
    body: await catalogue.begin(new Date(now().getTime() + LEASE_MS)),
    content: { sha256: digest('sha256'), md5: digest('md5'), length: word.length },
  }
}

/** A file of a user. */
export async function upload(subject: Subject, word: string): Promise<ObjectId> {
  const got = await received(subject, word)
  return (await subject.catalogue.add(got, { id: objectId(newId()), filename: word, at: subject.now() })).file.id
}

/** More than any test uploads. */
export const LIMITS: OutputLimits = {
  DT_OUTPUT_FILES: 1000,
  DT_OUTPUT_LIMIT: 1_000_000,
  DT_SERVICE_OUTPUT_FILES: 2000,
  DT_SERVICE_OUTPUT_LIMIT: 2_000_000,
  DT_OUTPUT_PATH_BYTES: 100,
}
export const ALL = { after: '', limit: 1000 } as const

/** Renders an open set as one line. */
export function digestOf(files: readonly OutputFile[]): SetDigest {
  const hash = createHash('sha256')
  const byPath = files.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)))
  for (const { path, sha256, length } of byPath) hash.update(`${sha256} ${length} ${path}\0`)
  return { files: files.length, bytes: files.reduce((sum, { length }) => sum + length, 0), sha256: hash.digest('hex') }
}

/** Uploads the bytes of a word under a path. */
export const bringing = async (
  subject: Pick<Subject, 'catalogue' | 'now' | 'runs'>,
  key: RunKey,
  path: string,
  word = path,
  limits = LIMITS,
) => {
  const { runs, now } = subject
  return runs.keep(await received(subject, word), key, path, limits, { at: now(), orphanedAt: now() })
}

/** Completes a set as it is. */
export async function completing({ runs, now }: Pick<Subject, 'runs' | 'now'>, key: RunKey, ids?: readonly ObjectId[]) {
  const files = await runs.taken(key, ALL)
  return runs.complete(key, digestOf(files), ids ?? files.map(() => objectId(newId())), [], now())
}

/** Completes a run with one file per word, whose path is the word. Ids are in order of paths. */
export async function leave(
  subject: Subject,
  id: ServiceId,
  at: ServiceRunRef,
  ...words: readonly string[]
): Promise<ObjectId[]> {
  const key = { serviceId: objectId(id), ...at }
  await subject.runs.open(key, subject.now())
  for (const word of words) await bringing(subject, key, word)
  const ids = words.map(() => objectId(newId()))
  if ((await completing(subject, key, ids)) !== 'complete') throw new Error('the outputs were not taken')
  return ids
}

/** Bodies that are orphaned, now or at any later time. */
export const loose = ({ catalogue, now }: Subject) => {
  const late = new Date(now().getTime() + 30 * DAY_MS)
  return catalogue.claimOrphans(late, { claimed: now(), abandoned: now() }, 1000)
}

/** So many at the same time, half of them through each store. */
export const together = <T>(
  { store, other }: Subject,
  count: number,
  work: (store: DtStore, nth: number) => Promise<T>,
): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, nth) => work(nth % 2 === 0 ? store : other, nth)))

/** Claims and settles all due changes, and returns them in the order of their claims. */
export async function told(store: DtStore, now: Date, id?: ServiceId): Promise<ServiceChange[]> {
  const changes: ServiceChange[] = []
  for (;;) {
    const batch = await store.claimChanges(now, LEASE_MS, 100, id)
    if (batch.length === 0) return changes
    for (const { seq, change: one } of batch) {
      changes.push(one)
      await store.settleChange(seq)
    }
  }
}
export const kindsOf = (changes: readonly ServiceChange[]): ChangeKind[] => changes.map(({ kind }) => kind)
