/** The obligations of every `Sink`, tested on an adapter and an addressable whose events the suite can see. */
import { describe, expect, test } from 'vitest'
import type { OutgoingEvent, Sink } from '../../shared/platform/ports.ts'
import { changeEvent, eventSource, RECONCILE_TYPE, reconcileEvent } from '../../shared/po/events.ts'
import { type AnalysisId, CHANGES, type RunNumber } from '../../shared/po/model.ts'

export interface TakenEvent {
  /** Extensions among them, each as the text it stands for. */
  readonly attributes: Readonly<Record<string, string>>
  readonly data: string
}

export interface SinkWorld {
  readonly sink: () => Sink
  /** Events that the addressable accepted since the suite began, latest last. */
  readonly taken: () => readonly TakenEvent[]
}

const ID = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
const SOURCE = eventSource('flame')
const AT = new Date('2026-03-01T12:00:00.250Z')
const EVENT = reconcileEvent(ID, 178_000_000, AT, SOURCE)

export function sinkConformance(name: string, world: () => SinkWorld): void {
  const emitted = async (event: OutgoingEvent): Promise<TakenEvent | undefined> => {
    const before = world().taken().length
    await world().sink().emit(event)
    expect(world().taken()).toHaveLength(before + 1)
    return world().taken().at(-1)
  }

  describe(`Sink: ${name}`, () => {
    test('the other side has an event once it resolves, with every attribute', async () => {
      expect((await emitted(EVENT))?.attributes).toMatchObject({
        specversion: '1.0',
        id: `178000000/${ID}`,
        type: RECONCILE_TYPE,
        source: '/namespaces/flame/po',
        subject: ID,
        partitionkey: ID,
        time: '2026-03-01T12:00:00.250Z',
        datacontenttype: 'application/json',
      })
    })

    test.each(CHANGES)('the change to %s arrives with its data', async (to) => {
      const change = { id: ID, run: 3 as RunNumber, to, progress: 40, cause: 'out of memory “OOM” 100 %', at: AT }
      const taken = await emitted(changeEvent(change, SOURCE))
      expect(taken?.attributes).toMatchObject({ id: `${ID}/3/${to}`, type: `de.privateaim.po.analysis.${to}` })
      expect(JSON.parse(taken?.data ?? '')).toEqual({
        analysisId: ID,
        run: 3,
        state: to,
        progress: 40,
        cause: change.cause,
      })
    })

    test.each([
      ['a space', 'a b'],
      ['a quote', 'say "x"'],
      ['a percent sign', '100%25'],
      ['letters of other alphabets', 'größe €'],
      ['an emoji', 'go 🚀'],
      ['line breaks', 'a\r\nce-type: b'],
    ])('%s in an attribute arrives as it was', async (_, text) => {
      const { attributes } = (await emitted({ ...EVENT, id: text, subject: text })) ?? {}
      expect(attributes).toMatchObject({ id: text, subject: text, partitionkey: text, type: RECONCILE_TYPE })
    })

    test('half a character in an attribute arrives as the sign for that', async () => {
      expect((await emitted({ ...EVENT, subject: 'a\uD83D' }))?.attributes).toMatchObject({ subject: 'a\uFFFD' })
    })

    test.each([
      ['nothing', {}],
      ['nested values', { a: { b: [1, null, true, 'x'] } }],
      ['texts that are not ASCII', { cause: '"größe" 🚀\n%20' }],
      ['a megabyte', { text: 'x'.repeat(1024 * 1024) }],
    ])('data with %s arrive as they were', async (_, data) => {
      expect(JSON.parse((await emitted({ ...EVENT, data }))?.data ?? '')).toEqual(data)
    })

    test('the same event sent twice is the same event', async () => {
      const [first, second] = [await emitted(EVENT), await emitted(EVENT)]
      const { id, source } = first?.attributes ?? {}
      expect(second?.attributes).toMatchObject({ id, source })
    })

    test('events one after the other arrive in order; many at once arrive all', async () => {
      const sink = world().sink()
      const ids = Array.from({ length: 50 }, (_, index) => `${index}/${ID}`)
      const before = world().taken().length
      const since = () =>
        world()
          .taken()
          .slice(before)
          .map(({ attributes }) => attributes['id'])
      for (const id of ids) await sink.emit({ ...EVENT, id })
      expect(since()).toEqual(ids)
      await Promise.all(ids.map((id) => sink.emit({ ...EVENT, id: `again/${id}` })))
      expect(since().slice(ids.length).toSorted()).toEqual(ids.map((id) => `again/${id}`).toSorted())
    })
  })
}
