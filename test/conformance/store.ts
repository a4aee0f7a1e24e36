/**
 * The obligations of every PoStore. The suite uses the port only: an adapter provides two stores on the same data, like two
 * pods, and a clock for timestamps.
 */
import { describe } from 'vitest'
import { archiving } from './store/archiving.ts'
import { beginning } from './store/beginning.ts'
import { beginningAgain } from './store/beginning-again.ts'
import { bounding } from './store/bounding.ts'
import { capping } from './store/capping.ts'
import { cappingDelivery } from './store/capping-delivery.ts'
import { claiming } from './store/claiming.ts'
import { delivering } from './store/delivering.ts'
import { describing } from './store/describing.ts'
import { digesting } from './store/digesting.ts'
import { holding } from './store/holding.ts'
import { leaving } from './store/leaving.ts'
import { logging } from './store/logging.ts'
import { looping } from './store/looping.ts'
import { moving } from './store/moving.ts'
import { polling } from './store/polling.ts'
import { remembering } from './store/remembering.ts'
import { removing } from './store/removing.ts'
import { reporting } from './store/reporting.ts'
import { resetting } from './store/resetting.ts'
import { sealing } from './store/sealing.ts'
import { silencing } from './store/silencing.ts'
import { type MakeStore, prepare } from './store/subject.ts'
import { telling } from './store/telling.ts'

export type { MakeStore, StorePair } from './store/subject.ts'

const PARTS = [
  beginning,
  beginningAgain,
  moving,
  leaving,
  polling,
  claiming,
  silencing,
  logging,
  bounding,
  reporting,
  capping,
  cappingDelivery,
  telling,
  describing,
  delivering,
  archiving,
  sealing,
  digesting,
  remembering,
  removing,
  holding,
  looping,
  resetting,
]

export function storeConformance(name: string, make: MakeStore): void {
  describe(`Store: ${name}`, () => {
    const subject = prepare(make)
    for (const part of PARTS) {
      describe(part.name, () => part(subject))
    }
  })
}
