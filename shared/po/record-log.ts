/**
 * `POST /po/stream_logs`: a line of an analysis is kept, its progress may rise, and the Hub is told by way of the outbox.
 * The caller, an analysis whose own work waits for the answer, never waits for the Hub.
 */
import { WORDS } from './lifecycle.ts'
import { shortened } from './long-line.ts'
import { type Analysis, type AnalysisId, type HubStatus, isLive, type LineLevel, type Report } from './model.ts'
import { parseRunName } from './names.ts'
import type { PoPorts } from './ports.ts'

export interface LineRequest {
  readonly id: AnalysisId
  readonly level: LineLevel
  readonly message: string
  readonly status: string
  readonly progress: number
  /** Name of the run that the egress proxy vouches for; undefined when the line did not come through one. */
  readonly runHeader: string | undefined
}

/** More than the Hub takes of a line, which is 2,048 characters: the adapter makes it fit. */
const HUB_LINE_BYTES = 8192
/** Statuses are words; what is longer is none. */
const STATUS_BYTES = 256

/**
 * The status a line makes us tell the Hub. Lines queued before an analysis was connected still say `starting`, and its
 * end is decided by the sweep alone: so a line can lift the status to `executing`, and nothing else.
 */
function liftedStatus({ state }: Analysis, claimed: string, progressRose: boolean): HubStatus | null {
  if (state === 'executing') return progressRose ? 'executing' : null
  return state === 'started' && (progressRose || claimed === 'executing') ? 'executing' : null
}

function lineReports({ level, message, status: claimed }: LineRequest, hubLogging: boolean) {
  return (analysis: Analysis, current: boolean, progressRose: boolean): Report[] => {
    const { state, progress } = analysis
    const reports: Report[] = []
    const stateWord = current && isLive(state) ? WORDS[state].hub : null
    const told = shortened(message, HUB_LINE_BYTES)
    if (hubLogging) reports.push({ kind: 'log', level, message: told, status: stateWord })
    const status = current ? liftedStatus(analysis, claimed, progressRose) : null
    if (status) reports.push({ kind: 'status', status, progress })
    return reports
  }
}

/** The run a line belongs to; null for the current one. A header of another analysis counts for nothing. */
function lineRun({ id, runHeader }: LineRequest) {
  const ref = runHeader === undefined ? undefined : parseRunName(runHeader)
  return ref?.id === id ? ref.run : null
}

/** Records a line. Lines of an id that has no analysis here are only passed on to the Hub's log. */
export async function recordLog(
  { store, log, settings }: Pick<PoPorts, 'store' | 'log' | 'settings'>,
  request: LineRequest,
): Promise<null> {
  const { id, level, progress } = request
  const { lineBytes, lines } = settings.logs
  const message = shortened(request.message, lineBytes)
  const line = { level, message, status: shortened(request.status, STATUS_BYTES), progress }
  const reports = lineReports(request, settings.hubLogging)
  if (await store.appendLine(id, lineRun(request), line, reports, lines)) return null
  log('info', 'line of an unknown analysis', { analysis: id, level })
  const told = shortened(message, HUB_LINE_BYTES)
  if (settings.hubLogging) await store.appendReports(id, [{ kind: 'log', level, message: told, status: null }])
  return null
}
