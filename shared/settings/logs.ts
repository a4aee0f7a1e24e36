/** How much is kept of what analyses say: a part of the table in `config.ts`. */
import { type Setting, whole } from './setting.ts'

const MOST = 1_000_000_000

export const LOG_SETTINGS = {
  LINE_LIMIT_KIB: whole(
    {
      group: 'logs',
      default: '64',
      effect: 'Size in KiB of a log line; of a longer one the start and the end are kept.',
    },
    1,
    256,
  ),
  RUN_LINES_LIMIT: whole(
    { group: 'logs', default: '20000', effect: 'Log lines kept per run; the oldest are deleted, and counted.' },
    100,
    MOST,
  ),
  RUN_LINES_LIMIT_MIB: whole(
    { group: 'logs', default: '16', effect: 'Size in MiB of the log lines kept per run.' },
    1,
    100_000,
  ),
  ANALYSIS_LINES_LIMIT: whole(
    { group: 'logs', default: '100000', effect: 'Log lines kept per analysis, all its runs together.' },
    100,
    MOST,
  ),
  ANALYSIS_LINES_LIMIT_MIB: whole(
    { group: 'logs', default: '64', effect: 'Size in MiB of the log lines kept per analysis.' },
    1,
    100_000,
  ),
  LOG_LIMIT_MIB: whole(
    {
      group: 'logs',
      default: '10',
      effect: 'Size in MiB of what is read and kept of the log of a container: its end.',
    },
    1,
    20,
  ),
  ANALYSIS_LOGS_LIMIT_MIB: whole(
    {
      group: 'logs',
      default: '64',
      effect: 'Size in MiB of all container logs kept per analysis; the oldest go first.',
    },
    1,
    100_000,
  ),
} as const satisfies Record<string, Setting<unknown>>
