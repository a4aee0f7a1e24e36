/** The database. */
import type { LoopState, LoopStore } from '../../platform/ports.ts'
import type { AnalysisStore } from './analyses.ts'
import type { ArchiveStore } from './archive.ts'
import type { ClaimStore } from './claims.ts'
import type { IsolationStore } from './isolation.ts'
import type { LogStore } from './logs.ts'
import type { OutboxStore } from './outbox.ts'
import type { RecordStore } from './record.ts'
import type { RemovalStore } from './removals.ts'
import type { SilenceStore } from './silence.ts'

interface PoLoopState extends LoopState {
  /** When the silence timers were last reset because most analyses were silent. */
  readonly faultAt: Date | null
}

export interface PoStore
  extends AnalysisStore,
    ClaimStore,
    SilenceStore,
    IsolationStore,
    LogStore,
    ArchiveStore,
    RecordStore,
    RemovalStore,
    OutboxStore,
    LoopStore {
  loopState(now: Date): Promise<PoLoopState>
}
