import { expect, test } from 'vitest'
import { LOG_TAIL_BYTES, SHOWN_RUNS, SHOWN_TAIL_BYTES } from '../../../shared/dt/model.ts'
import { launched, record, ref, SCHEDULED, type Subject, succeeded } from './subject.ts'

/** `runs`, `runsOf`: bounded, whatever the number of runs. */
export function reading(subject: Subject): void {
  test('runs: the last ones, in their order, with what the latest of them wrote last', async () => {
    const { id } = await launched(subject, SCHEDULED)
    const logTail = 'x'.repeat(LOG_TAIL_BYTES)
    const all = Array.from({ length: SHOWN_RUNS + 5 }, (_, firing) => succeeded(ref(firing, 0), { logTail }))
    await record(subject.store, id, ...all)
    const runs = await subject.store.runs(id)
    expect(runs.map(({ firing }) => firing)).toEqual(Array.from({ length: SHOWN_RUNS }, (_, nth) => nth + 5))
    const tails = runs.map((run) => run.logTail !== null)
    const shown = SHOWN_TAIL_BYTES / LOG_TAIL_BYTES
    expect(tails.lastIndexOf(false)).toBe(SHOWN_RUNS - shown - 1)
    expect(tails.filter(Boolean)).toHaveLength(shown)
  })

  test('runsOf: without what they wrote last', async () => {
    const { id } = await launched(subject)
    await record(subject.store, id, succeeded(ref(0, 0), { logTail: 'last words' }))
    expect((await subject.store.runsOf([id])).get(id)).toMatchObject([{ phase: 'succeeded', logTail: null }])
    expect(await subject.store.runs(id)).toMatchObject([{ logTail: 'last words' }])
  })
}
