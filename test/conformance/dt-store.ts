/**
 * The obligations of every DtStore (`shared/dt/ports/store.ts`). The suite uses ports only: an adapter provides two stores on the
 * same data, like two pods, with their files and runs, and a clock for timestamps.
 */
import { describe } from 'vitest'
import { abandoning } from './dt-store/abandoning.ts'
import { adopting } from './dt-store/adopting.ts'
import { claiming } from './dt-store/claiming.ts'
import { expiring } from './dt-store/expiring.ts'
import { finding } from './dt-store/finding.ts'
import { gathering } from './dt-store/gathering.ts'
import { inheriting } from './dt-store/inheriting.ts'
import { launching } from './dt-store/launching.ts'
import { listing } from './dt-store/listing.ts'
import { looping } from './dt-store/looping.ts'
import { moving } from './dt-store/moving.ts'
import { pruning } from './dt-store/pruning.ts'
import { reading } from './dt-store/reading.ts'
import { recording } from './dt-store/recording.ts'
import { removing } from './dt-store/removing.ts'
import { type MakeTarget, prepare } from './dt-store/subject.ts'
import { telling } from './dt-store/telling.ts'

const PARTS = [
  ...[launching, abandoning, adopting, inheriting, moving, finding, claiming, recording, gathering],
  ...[reading, listing, expiring, pruning, removing, telling, looping],
]

export function dtStoreConformance(name: string, make: MakeTarget): void {
  describe(`DtStore: ${name}`, () => {
    const subject = prepare(make)
    for (const part of PARTS) {
      describe(part.name, () => part(subject))
    }
  })
}
