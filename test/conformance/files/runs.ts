/** The obligations of every Runs (`shared/files/ports.ts`). It shares its data with a store of services. */
import { describe } from 'vitest'
import { type MakeTarget, prepare } from '../dt-store/subject.ts'
import { bounding } from './runs/bounding.ts'
import { closing } from './runs/closing.ts'
import { ending } from './runs/ending.ts'
import { finding } from './runs/finding.ts'
import { leaving } from './runs/leaving.ts'
import { providing } from './runs/providing.ts'
import { standing } from './runs/standing.ts'

export function runsConformance(name: string, make: MakeTarget): void {
  describe(`Runs: ${name}`, () => {
    const subject = prepare(make)
    const parts = [finding, providing, leaving, ending, bounding, closing, standing]
    for (const part of parts) describe(part.name, () => part(subject))
  })
}
