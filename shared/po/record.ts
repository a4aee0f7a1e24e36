/** `GET /po/analyses/{id}/record`, and how a record is made: when an incarnation has ended and its pods are gone. */
import { Fault } from '../platform/fault.ts'
import type { AnalysisId, AnalysisKey, RunNumber } from './model.ts'
import type { Envelope } from './ports/record.ts'
import type { PoPorts } from './ports.ts'

type SealPorts = Pick<PoPorts, 'store' | 'sign' | 'makeRecord' | 'settings'>

/** Makes the record of an ended incarnation. Can be repeated: the first one stays. */
export const seal = ({ store, makeRecord, settings }: SealPorts, key: AnalysisKey): Promise<void> =>
  store.seal(key, settings.run.node, makeRecord)

/** Moves an ended incarnation to the archive. Its record is made before, because the archive entry takes its place. */
export async function sealAndArchive(ports: SealPorts, key: AnalysisKey): Promise<void> {
  await seal(ports, key)
  await ports.store.archive(key, ports.settings.run.node, ports.sign)
}

/** @throws Fault `not_found` while there is none */
export async function record(
  { store }: Pick<PoPorts, 'store'>,
  id: AnalysisId,
  run: RunNumber | undefined,
): Promise<Envelope> {
  const envelope = await store.record(id, run)
  if (envelope === undefined) throw new Fault('not_found', NO_RECORD)
  return envelope
}

const NO_RECORD =
  'There is no record: the analysis is unknown, or it has not ended, or its pods are still being removed.'
