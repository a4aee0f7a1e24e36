/**
 * `POST /po/stream_logs`: stores a line of an analysis, raises its progress, and appends reports to the Hub's outbox. The
 * analysis waits for the answer, but the answer never waits for the Hub.
 */
import { WORDS } from './lifecycle.ts'
import { shortened } from './long-line.ts'
import {
  type Analysis,
  type AnalysisId,
  type HubStatus,
  isLive,
  type LineLevel,
  type LogLine,
  type Report,
} from './model.ts'
import { parseRunName } from './names.ts'
import type { PoPorts } from './ports.ts'

export interface LineRequest extends LogLine {
  readonly id: AnalysisId
  /** Name of the run according to its egress proxy; undefined when the line did not pass through one. */
  readonly runHeader: string | undefined
}

/** The Hub accepts 2,048 characters, each of up to four bytes; its adapter shortens the line to them. */
const HUB_LINE_BYTES = 8192
const STATUS_BYTES = 256

/**
 * The status to report for a line. Lines queued before the analysis was connected still say `starting`, and only the sweep
 * ends an analysis. Therefore a line can only raise the status to `executing`.
 */
function raisedStatus({ state }: Analysis, claimed: string, progressRose: boolean): HubStatus | null {
  if (state === 'executing') return progressRose ? 'executing' : null
  return state === 'started' && (progressRose || claimed === 'executing') ? 'executing' : null
}

const logReport = (level: LineLevel, message: string, status: HubStatus | null): Report => ({
  kind: 'log',
  level,
  message: shortened(message, HUB_LINE_BYTES),
  status,
})

function lineReports({ level, message, status: claimed }: LineRequest, hubLogging: boolean) {
  return (analysis: Analysis, current: boolean, progressRose: boolean): Report[] => {
    const { state, progress } = analysis
    const reports: Report[] = []
    const stateWord = current && isLive(state) ? WORDS[state].hub : null
    if (hubLogging) reports.push(logReport(level, message, stateWord))
    const status = current ? raisedStatus(analysis, claimed, progressRose) : null
    if (status) reports.push({ kind: 'status', status, progress })
    return reports
  }
}

/** The run of a line; null for the current one. A header that names another analysis is ignored. */
function lineRun({ id, runHeader }: LineRequest) {
  const ref = runHeader === undefined ? undefined : parseRunName(runHeader)
  return ref?.id === id ? ref.run : null
}

/** Records a line. A line for an unknown id only goes to the Hub's log. */
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
  if (settings.hubLogging) await store.appendReports(id, [logReport(level, message, null)])
  return null
}
