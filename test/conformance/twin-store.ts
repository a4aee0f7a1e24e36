/**
 * What every Store of digital twins owes (`shared/dt/ports.ts`). The suite knows ports only: an adapter gives it two stores on
 * the same data, as two pods have, the files and runs that lie beside them, and a clock to write by.
 */
import { describe } from 'vitest'
import { adopting } from './twin-store/adopting.ts'
import { claiming } from './twin-store/claiming.ts'
import { launching } from './twin-store/launching.ts'
import { listing } from './twin-store/listing.ts'
import { looping } from './twin-store/looping.ts'
import { moving } from './twin-store/moving.ts'
import { pruning } from './twin-store/pruning.ts'
import { reading } from './twin-store/reading.ts'
import { recording } from './twin-store/recording.ts'
import { removing } from './twin-store/removing.ts'
import { type MakeTarget, prepare } from './twin-store/subject.ts'
import { telling } from './twin-store/telling.ts'

const PARTS = [launching, adopting, moving, claiming, recording, reading, listing, pruning, removing, telling, looping]

export function twinStoreConformance(name: string, make: MakeTarget): void {
  describe(`Store of twins: ${name}`, () => {
    const subject = prepare(make)
    for (const part of PARTS) {
      describe(part.name, () => part(subject))
    }
  })
}
