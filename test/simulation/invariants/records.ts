/** Compares rows, removals and the archive with the ledger: nothing is stuck, lost or duplicated. */
import type { ArchiveEntry } from '../../../shared/po/ports/archive.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import type { Incarnation, Ledger } from './ledger.ts'

interface RecordDeps {
  readonly store: PoStore
  readonly ledger: Ledger
}

const nameOf = ({ id, firstRun }: Incarnation): string => `${id} from run ${firstRun}`

export async function recordsOff({ store, ledger }: RecordDeps): Promise<string[]> {
  const all = [...ledger.incarnations.values()]
  const removals = await store.pendingRemovals()
  return [
    ...removals.map(({ id, firstRun }) => `the removal of ${id} from run ${firstRun} is not complete`),
    ...all.filter(({ state }) => state === 'stopping').map((one) => `${nameOf(one)} is still stopping`),
    ...(await rowsOff(store, all)),
    ...(await archiveOff(store, all)),
  ]
}

async function rowsOff(store: PoStore, all: readonly Incarnation[]): Promise<string[]> {
  const rows = new Map((await store.list()).map(({ key, state }) => [key, state]))
  return all.flatMap((one) => {
    const [is, should] = [rows.get(one.key), one.place === 'rows' ? one.state : undefined]
    return is === should ? [] : [`the row of ${nameOf(one)} is ${is}, not ${should}`]
  })
}

/** Each executed or deleted incarnation is archived, once. */
async function archiveOff(store: PoStore, all: readonly Incarnation[]): Promise<string[]> {
  const entries = (await store.archiveEntries(undefined, 100_000)).map(
    ({ document }) => JSON.parse(document) as ArchiveEntry,
  )
  const archived = Map.groupBy(entries, ({ analysisId, runs }) => `${analysisId} from run ${runs[0]?.run}`)
  return all.flatMap((one) => {
    const count = archived.get(nameOf(one))?.length ?? 0
    const lost = one.toArchive && one.place === 'rows'
    return lost || count !== Number(one.place === 'archive') ? [`${nameOf(one)} is ${count} times in the archive`] : []
  })
}
