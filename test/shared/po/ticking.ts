/** Analyses in a loop that ticks: one slot after the other, each tick by a process that knows nothing yet. */
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { Analysis } from '../../../shared/po/model.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { tick } from '../../../shared/po/reconcile/tick.ts'
import { remove } from '../../../shared/po/remove.ts'
import { type Fixture, request } from './fixture.ts'
import { createPods } from './pods-by-hand.ts'

export function ticking(fixture: Fixture) {
  const { ports, hub } = fixture
  const pods = createPods(fixture.kubernetes)

  /** Ticks through so many intervals. */
  async function pass(intervals: number, over: PoPorts = ports): Promise<void> {
    for (let slot = 0; slot < intervals; slot += 1) {
      fixture.advance(ports.settings.intervalSeconds)
      await tick(over)
      await ports.sleep(10) // the garbage collector works after the request that caused it
    }
  }

  function answer({ id }: CreateRequest, status: SdkStatus | undefined): void {
    if (status) fixture.answers.set(id, status)
    else fixture.answers.delete(id)
  }

  /** So many analyses that run and answer `executing`. */
  async function working(count: number): Promise<CreateRequest[]> {
    const all = Array.from({ length: count }, () => request())
    for (const wanted of all) {
      await create(ports, wanted)
      await pods.start(wanted.id, 1)
      answer(wanted, 'executing')
    }
    await pass(2)
    return all
  }

  return {
    pods,
    pass,
    answer,
    working,
    async one(): Promise<CreateRequest> {
      const [wanted] = await working(1)
      if (!wanted) throw new Error('unreachable')
      return wanted
    },
    rowOf: ({ id }: CreateRequest): Promise<Analysis | undefined> => ports.store.find(id),
    told: ({ id }: CreateRequest) => hub.told(id).statuses.map(({ status, progress }) => `${status} ${progress}`),
    lines: ({ id }: CreateRequest) => hub.told(id).logs.map(({ message }) => message),
    /** Everybody is back, and no analysis is left. */
    async reset(): Promise<void> {
      hub.heal()
      fixture.keycloak.heal()
      await remove(ports, undefined)
      fixture.answers.clear()
      fixture.tokensLast.clear()
      await pass(3)
      fixture.heard.length = 0
    },
  }
}
