/** What one process of a function holds for its callers: a part of the table in `config.ts`. */
import { type Setting, whole } from './setting.ts'

export const EDGE_SETTINGS = {
  BODY_MEMORY_MIB: whole(
    {
      group: 'process',
      default: '32',
      effect: 'MiB of request bodies, without files, that a process holds at a time; more are refused with 503.',
    },
    2,
    4096,
  ),
  BODY_TIMEOUT: whole(
    { group: 'process', default: '30', effect: 'Seconds that a request body without a file may take to arrive.' },
    1,
    120,
  ),
  TRANSFERS_MAX: whole(
    {
      group: 'process',
      default: '100',
      effect: 'Files that a process receives and sends at the same time; more are refused with 503.',
    },
    1,
    10_000,
  ),
  TRANSFER_MIN_KIB: whole(
    {
      group: 'process',
      default: '64',
      effect: 'KiB of a file that must be received or sent each minute; slower transfers are ended.',
    },
    0,
    1_048_576,
  ),
} as const satisfies Record<string, Setting<unknown>>
