/** The obligations of every `Hub`, tested on an adapter and a Hub whose rows and requests the suite can see. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isFault } from '../../shared/platform/fault.ts'
import { type AnalysisId, HUB_STATUSES, LOG_LEVELS } from '../../shared/po/model.ts'
import type { Hub } from '../../shared/po/ports/hub.ts'

export interface HubWorld {
  /** A new adapter with empty caches. */
  readonly hub: () => Hub
  /** Makes an analysis with this node and `partners` others. */
  readonly register: (
    id: AnalysisId,
    partners: number,
  ) => { readonly analysisNodeId: string; readonly partners: readonly { readonly analysisNodeId: string }[] }
  readonly setStatus: (analysisNodeId: string, status: string | null) => void
  /** Reports about an analysis that the Hub received, in order. */
  readonly told: (id: AnalysisId) => {
    readonly statuses: readonly { readonly status: string | null; readonly progress: number | null }[]
    readonly logs: readonly { readonly level: string; readonly message: string; readonly status: string | null }[]
  }
}

const newId = (): AnalysisId => randomUUID() as AnalysisId
const NOT_VERSION_4 = '0190b2a4-5e3f-7cc1-9a39-0d2f5f2c9c11' as AnalysisId

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  )

export function hubConformance(name: string, world: () => HubWorld): void {
  describe(`Hub: ${name}`, () => {
    test('our row of an analysis is found, also among others; an unknown analysis has none', async () => {
      const [id, other] = [newId(), newId()]
      world().register(other, 3)
      const { analysisNodeId } = world().register(id, 3)
      expect(await world().hub().analysisNode(id)).toEqual({ analysisNodeId })
      expect(await world().hub().analysisNode(newId())).toBeUndefined()
    })

    test('an analysis that appears later is found then: absence is not remembered', async () => {
      const id = newId()
      const hub = world().hub()
      expect(await hub.analysisNode(id)).toBeUndefined()
      const { analysisNodeId } = world().register(id, 1)
      expect(await hub.analysisNode(id)).toEqual({ analysisNodeId })
    })

    test.each([0, 1, 49, 50, 51, 100, 120])('%i partners are listed without us', async (count) => {
      const id = newId()
      world().register(newId(), 2)
      const { partners, analysisNodeId } = world().register(id, count)
      const listed = (await world().hub().partners(id)).map((partner) => partner.analysisNodeId)
      expect(listed.toSorted()).toEqual(partners.map((partner) => partner.analysisNodeId).toSorted())
      expect(listed).not.toContain(analysisNodeId)
    })

    test.each([...HUB_STATUSES, null])('a partner that is %s is seen so', async (status) => {
      const id = newId()
      const [partner] = world().register(id, 1).partners
      world().setStatus(partner?.analysisNodeId ?? '', status)
      expect((await world().hub().partners(id)).map(({ executionStatus }) => executionStatus)).toEqual([status])
    })

    test('a status that we do not know is none', async () => {
      const id = newId()
      const [partner] = world().register(id, 1).partners
      world().setStatus(partner?.analysisNodeId ?? '', 'meditating')
      expect((await world().hub().partners(id)).map(({ executionStatus }) => executionStatus)).toEqual([null])
    })

    test('every status arrives, in order, with its progress or without', async () => {
      const id = newId()
      const { analysisNodeId } = world().register(id, 1)
      const hub = world().hub()
      for (const status of HUB_STATUSES) await hub.updateStatus(analysisNodeId, status, null)
      await hub.updateStatus(analysisNodeId, 'executed', 100)
      expect(
        world()
          .told(id)
          .statuses.map(({ status, progress }) => [status, progress]),
      ).toEqual([...HUB_STATUSES.map((status) => [status, null]), ['executed', 100]])
    })

    test.each([
      ['an analysis node that does not exist', randomUUID()],
      ['an analysis node of a partner', undefined],
    ])('the status of %s is refused', async (_, analysisNodeId) => {
      const [partner] = world().register(newId(), 1).partners
      const target = analysisNodeId ?? partner?.analysisNodeId ?? ''
      expect(isFault(await failureOf(world().hub().updateStatus(target, 'started', null)), 'refused')).toBe(true)
    })

    test.each(LOG_LEVELS)('a line of level %s arrives', async (level) => {
      const id = newId()
      world().register(id, 1)
      await world().hub().createLog(id, { level, message: 'a line', status: 'executing' })
      expect(world().told(id).logs).toMatchObject([{ level, message: 'a line', status: 'executing' }])
    })

    test.each([
      ['no text at all', ''],
      ['one character', 'x'],
      ['one emoji', '😀'],
      ['half a character', '\uD83D'],
      ['exactly the limit', 'x'.repeat(2048)],
      ['one more than the limit', 'x'.repeat(2049)],
      ['emoji over the limit', '😀'.repeat(3000)],
      ['a megabyte', 'line\n'.repeat(200_000)],
    ])('a line with %s is taken', async (_, message) => {
      const id = newId()
      world().register(id, 1)
      await world().hub().createLog(id, { level: 'info', message, status: null })
      expect(world().told(id).logs).toHaveLength(1)
    })

    test('lines arrive in the order they were sent', async () => {
      const id = newId()
      world().register(id, 1)
      const hub = world().hub()
      const messages = Array.from({ length: 20 }, (_, index) => `line ${index}`)
      for (const message of messages) await hub.createLog(id, { level: 'info', message, status: null })
      expect(
        world()
          .told(id)
          .logs.map(({ message }) => message),
      ).toEqual(messages)
    })

    test.each([
      ['an id that is no version 4', NOT_VERSION_4],
      ['an analysis the Hub does not know', newId()],
    ])('a line of %s is refused for good', async (_, id) => {
      if (id === NOT_VERSION_4) world().register(id, 1)
      const failure = await failureOf(world().hub().createLog(id, { level: 'info', message: 'a line', status: null }))
      expect(isFault(failure, 'refused')).toBe(true)
      expect(String(failure)).toBe('Fault: The Hub refused to take a log line of an analysis (400)')
    })
  })
}
