/** Limits of the logs that are kept of analyses: a part of the table in `config.ts`. */
import { inGroup, whole } from './setting.ts'

const MOST = 1_000_000_000

export const LOG_SETTINGS = inGroup('logs', {
  LINE_LIMIT_KIB: whole({
    default: '64',
    range: [1, 256],
    effect: 'Size in KiB of a log line; of a longer one the start and the end are kept.',
  }),
  RUN_LINES_LIMIT: whole({
    default: '20000',
    range: [100, MOST],
    effect: 'Log lines kept per run; the oldest are deleted, and counted.',
  }),
  RUN_LINES_LIMIT_MIB: whole({
    default: '16',
    range: [1, 100_000],
    effect: 'Size in MiB of the log lines kept per run.',
  }),
  ANALYSIS_LINES_LIMIT: whole({
    default: '100000',
    range: [100, MOST],
    effect: 'Log lines kept per analysis, all its runs together.',
  }),
  ANALYSIS_LINES_LIMIT_MIB: whole({
    default: '64',
    range: [1, 100_000],
    effect: 'Size in MiB of the log lines kept per analysis.',
  }),
  LOG_LIMIT_MIB: whole({
    default: '10',
    range: [1, 20],
    effect: 'Size in MiB of what is read and kept of the log of a container: its end.',
  }),
  ANALYSIS_LOGS_LIMIT_MIB: whole({
    default: '64',
    range: [1, 100_000],
    effect: 'Size in MiB of all container logs kept per analysis; the oldest go first.',
  }),
})
