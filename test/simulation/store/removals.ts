/** Removals, and the exclusive use of the Keycloak client of an id. */
import { type Analysis, isLive, LATE_MS, type Removal } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { claimedRow, isFree, later, type RemovalRow, type Tables } from './tables.ts'

/** Records a removal, or merges it into an existing one. A create in progress keeps it open. */
export function recordRemoval(
  { removals, now: clock }: Tables,
  { key, id, firstRun, run, state, claimedUntil }: Analysis,
  { archive, logsTaken }: Pick<Removal, 'archive' | 'logsTaken'>,
): void {
  const now = clock()
  const known = removals.get(key)
  if (known) {
    const dueAt = known.dueAt < now ? known.dueAt : now
    const wishes = { archive: known.archive || archive, logsTaken: known.logsTaken || logsTaken }
    removals.set(key, { ...known, ...wishes, dueAt })
    return
  }
  const makingUntil = state === 'starting' && claimedUntil && claimedUntil > now ? claimedUntil : now
  const late = later(now, LATE_MS)
  const holdUntil = makingUntil > late ? makingUntil : late
  const none = { attempts: 0, unfinished: 0 }
  const fresh = { ...none, rootRemoved: false, clientRemoved: false, claimedUntil: null, clientHeldUntil: null }
  const times = { makingUntil, holdUntil, dueAt: now }
  removals.set(key, { key, id, firstRun, lastRun: run, archive, logsTaken, ...times, ...fresh })
}

const asRemoval = ({ dueAt, claimedUntil, clientHeldUntil, ...removal }: RemovalRow): Removal => removal

function claimClient(
  { analyses, removals }: Tables,
  ...[key, id, now, leaseMs]: Parameters<PoStore['claimClient']>
): Awaited<ReturnType<PoStore['claimClient']>> {
  for (const row of analyses.values()) if (row.id === id && isLive(row.state)) return 'needed'
  for (const row of removals.values()) {
    if (row.id === id && row.clientHeldUntil && row.clientHeldUntil > now) return 'busy'
  }
  const own = removals.get(key)
  if (own) removals.set(key, { ...own, clientHeldUntil: later(now, leaseMs) })
  return 'held'
}

export function removing(
  tables: Tables,
): Pick<
  PoStore,
  | 'claimRemovals'
  | 'claimSuspectRemoval'
  | 'claimRemoval'
  | 'pendingRemovals'
  | 'markLogsTaken'
  | 'markRootRemoved'
  | 'postponeRemoval'
  | 'completeRemoval'
  | 'claimClient'
  | 'releaseClientClaim'
> {
  const { removals, analyses } = tables
  const change = (key: RemovalRow['key'], with_: (row: RemovalRow) => Partial<RemovalRow>) => {
    const row = removals.get(key)
    if (row) removals.set(key, { ...row, ...with_(row) })
  }
  const claim = (row: RemovalRow, now: Date, leaseMs: number): Removal => {
    const claimed = claimedRow(row, now, leaseMs)
    removals.set(row.key, claimed)
    return asRemoval(claimed)
  }
  const due = (now: Date): RemovalRow[] =>
    [...removals.values()]
      .filter((row) => row.dueAt <= now && isFree(row.claimedUntil, now))
      .sort((one, other) => one.dueAt.getTime() - other.dueAt.getTime())
  return {
    claimRemovals: async (now, leaseMs, limit) => {
      const fresh = due(now).filter(({ unfinished }) => unfinished === 0)
      return fresh.slice(0, limit).map((row) => claim(row, now, leaseMs))
    },
    claimSuspectRemoval: async (now, leaseMs) => {
      const suspects = due(now).filter(({ unfinished }) => unfinished > 0)
      const [row] = suspects.sort((one, other) => one.unfinished - other.unfinished)
      return row && claim(row, now, leaseMs)
    },
    claimRemoval: async (key, now, leaseMs) => {
      const row = removals.get(key)
      return row && isFree(row.claimedUntil, now) ? claim(row, now, leaseMs) : undefined
    },
    pendingRemovals: async () =>
      [...removals.values()].sort((one, other) => Number(one.key) - Number(other.key)).map(asRemoval),
    markLogsTaken: async (key) => change(key, () => ({ logsTaken: true })),
    markRootRemoved: async (key) => change(key, () => ({ rootRemoved: true })),
    postponeRemoval: async ({ key, archive }, dueAt) =>
      change(key, (row) => ({
        dueAt: row.archive === archive || dueAt < row.dueAt ? dueAt : row.dueAt,
        claimedUntil: null,
        unfinished: 0,
        attempts: row.attempts + 1,
      })),
    completeRemoval: async (key) => {
      if (removals.get(key)?.archive && analyses.has(key)) change(key, () => ({ claimedUntil: null, unfinished: 0 }))
      else removals.delete(key)
    },
    claimClient: async (...args) => claimClient(tables, ...args),
    releaseClientClaim: async (key, client) =>
      change(key, ({ clientRemoved }) => ({
        clientHeldUntil: null,
        clientRemoved: clientRemoved || client === 'removed',
      })),
  }
}
