/** Limits of one process of a function: a part of the table in `config.ts`. */
import { inGroup, whole } from './setting.ts'

export const EDGE_SETTINGS = inGroup('process', {
  BODY_MEMORY_MIB: whole({
    default: '32',
    range: [2, 4096],
    effect: 'MiB of request bodies, without files, that a process holds at a time; more are refused with 503.',
  }),
  BODY_TIMEOUT: whole({
    default: '30',
    range: [1, 120],
    effect: 'Seconds that a request body without a file may take to arrive.',
  }),
  TRANSFERS_MAX: whole({
    default: '100',
    range: [1, 10_000],
    effect: 'Files that a process receives and sends at the same time; more are refused with 503.',
  }),
  TRANSFER_MIN_KIB: whole({
    default: '64',
    range: [0, 1_048_576],
    effect: 'KiB of a file that must be received or sent each minute; slower transfers are ended.',
  }),
})
