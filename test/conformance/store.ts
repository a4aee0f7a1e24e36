/**
 * What every Store owes its users. The suite knows the port only: an adapter gives it two stores on the same data, as two
 * pods have, and a clock to write by.
 */
import { describe } from 'vitest'
import { archiving } from './store/archiving.ts'
import { beginning } from './store/beginning.ts'
import { capping } from './store/capping.ts'
import { claiming } from './store/claiming.ts'
import { logging } from './store/logging.ts'
import { looping } from './store/looping.ts'
import { moving } from './store/moving.ts'
import { removing } from './store/removing.ts'
import { reporting } from './store/reporting.ts'
import { resetting } from './store/resetting.ts'
import { silencing } from './store/silencing.ts'
import { type MakeStore, prepare } from './store/subject.ts'
import { telling } from './store/telling.ts'

export type { MakeStore, StorePair } from './store/subject.ts'

const PARTS = [
  beginning,
  moving,
  claiming,
  silencing,
  logging,
  reporting,
  capping,
  telling,
  archiving,
  removing,
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
