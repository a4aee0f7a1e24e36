/** What a test says and asks about the one analysis that it is about. */
import type { CreateRequest } from '../../../shared/po/create.ts'
import type { Analysis, RunNumber } from '../../../shared/po/model.ts'
import { runName } from '../../../shared/po/names.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { aftermath } from './aftermath.ts'
import type { Fixture } from './fixture.ts'
import { createPods } from './pods-by-hand.ts'

export function handsOn(fixture: Fixture, wanted: () => CreateRequest) {
  const { ports } = fixture
  const number = (run: number) => run as RunNumber
  const nameOf = (run: number): string => runName(wanted().id, number(run))
  return {
    pods: createPods(fixture.kubernetes),
    number,
    answers: (answer: SdkStatus, run = 1) => void fixture.answers.set(nameOf(run), answer),
    silence: (run = 1) => void fixture.answers.delete(nameOf(run)),
    row: (): Promise<Analysis | undefined> => ports.store.find(wanted().id),
    objects: async () => (await aftermath(fixture, wanted().id)).objects,
    async nextSweep() {
      fixture.advance(10)
      await sweep(ports)
      await ports.sleep(20) // the garbage collector works after the request that caused it
    },
  }
}
