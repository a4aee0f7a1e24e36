import { expect, test } from 'vitest'
import { RUN_PHASES, type Run } from '../../../shared/dt/model.ts'
import {
  change,
  inPhase,
  kindsOf,
  newId,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
  succeeded,
  together,
  told,
} from './subject.ts'

export const at = (seconds: number) => new Date(Date.parse('2026-01-05T08:00:00Z') + seconds * 1000)

/** `recordRuns`, `runs`. */
export function recording(subject: Subject): void {
  test('runs come back as they were recorded, by firing, index and attempt', async () => {
    const { id } = await inPhase(subject, 'running', SCHEDULED)
    const runs = [
      run(ref(7, 0, 0), {
        phase: 'failed',
        exitCode: 137,
        reason: 'OOM',
        startedAt: at(1),
        endedAt: at(2),
        logTail: 'ä\n',
      }),
      run(ref(7, 0, 1), { phase: 'finishing', exitCode: 0, startedAt: at(3) }),
      run(ref(7, 2), { phase: 'pending', reason: 'no node' }),
      run(ref(7, 10)),
      succeeded(ref(2 ** 33, 1)),
    ]
    await record(subject.store, id, ...runs.toReversed())
    expect(await subject.other.runs(id)).toEqual(runs)
    expect(await subject.store.runs(newId())).toEqual([])
  })

  test('what is written again is as it is now', async () => {
    const { id } = await inPhase(subject, 'running')
    for (const phase of RUN_PHASES.filter((one) => one !== 'failed')) {
      const endedAt = phase === 'succeeded' ? at(9) : null
      const now = run(ref(0, 0), { phase, endedAt, pod: `pod-${phase}`, reason: phase })
      await record(subject.store, id, now)
      expect(await subject.store.runs(id)).toEqual([now])
    }
  })

  test('when it began and its log are kept by whoever does not know them', async () => {
    const { id } = await inPhase(subject, 'running')
    await record(subject.store, id, run(ref(0, 0), { startedAt: at(1), logTail: 'so far' }))
    await record(subject.store, id, run(ref(0, 0), { phase: 'finishing', exitCode: 0 }))
    expect(await subject.store.runs(id)).toMatchObject([{ phase: 'finishing', startedAt: at(1), logTail: 'so far' }])
  })

  test.each(['succeeded', 'failed'] as const)(
    'a run that has %s stays as it is, whatever is said of it later',
    async (phase) => {
      const { id } = await inPhase(subject, 'running')
      const over = run(ref(0, 0), {
        phase,
        exitCode: 3,
        reason: 'over',
        startedAt: at(1),
        endedAt: at(2),
        logTail: 'end',
      })
      await record(subject.store, id, over)
      for (const later of RUN_PHASES) {
        const endedAt = later === 'succeeded' || later === 'failed' ? at(8) : null
        const said = { phase: later, endedAt, pod: 'other', exitCode: 0, reason: 'x', startedAt: at(7), logTail: 'y' }
        await record(subject.other, id, run(ref(0, 0), said), run(ref(0, 1)))
        expect((await subject.store.runs(id))[0]).toEqual(over)
      }
      expect(await subject.store.runs(id)).toHaveLength(2)
    },
  )

  test('of 20 that record how a run ended one is believed, wholly', async () => {
    const { id } = await inPhase(subject, 'running')
    await record(subject.store, id, run(ref(0, 0)))
    await together(subject, 20, (store, nth) =>
      record(store, id, run(ref(0, 0), { phase: 'failed', exitCode: nth, reason: `code ${nth}`, endedAt: at(nth) })),
    )
    const [one] = await subject.store.runs(id)
    expect(one).toMatchObject({ reason: `code ${one?.exitCode}`, endedAt: at(one?.exitCode ?? -1) })
  })

  test('texts that PostgreSQL cannot keep do not lose the run', async () => {
    const { id } = await inPhase(subject, 'running')
    await record(subject.store, id, run(ref(0, 0), { reason: '\0', logTail: 'a\0b' }))
    expect(await subject.store.runs(id)).toMatchObject([{ reason: '\uFFFD', logTail: 'a\uFFFDb' }])
  })

  test('nor what is told of it: a reason has the last words of a program in it', async () => {
    const { id } = await inPhase(subject, 'running')
    const said = change(id, 'run.failed', subject.now(), {
      run: ref(0, 0),
      detail: { reason: 'exit code 1: \0\x01', files: 0 },
    })
    await subject.store.recordRuns(id, { runs: [run(ref(0, 0), { reason: 'exit code 1: \0' })], changes: [said] })
    expect(await told(subject.store, subject.now())).toEqual([
      { ...said, detail: { reason: 'exit code 1: \uFFFD\x01', files: 0 } },
    ])
  })

  test('changes are told with the runs, in their order', async () => {
    const { id } = await inPhase(subject, 'running')
    const changes = (['run.started', 'output.stored', 'run.succeeded'] as const).map((kind) =>
      change(id, kind, subject.now(), { run: ref(0, 1, 2), detail: { files: 2 } }),
    )
    await subject.store.recordRuns(id, { runs: [succeeded(ref(0, 1, 2))], changes })
    expect(await told(subject.other, subject.now())).toEqual(changes)
  })

  test('a recording that fails records nothing, and tells nothing', async () => {
    const { id } = await inPhase(subject, 'running')
    const bad: Run = run(ref(0, 1), { phase: 'succeeded', endedAt: null })
    const changes = [change(id, 'run.started', subject.now())]
    await expect(subject.store.recordRuns(id, { runs: [run(ref(0, 0)), bad], changes })).rejects.toBeDefined()
    expect(await subject.store.runs(id)).toEqual([])
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test('of a service that is not there nothing is recorded, and nobody is told', async () => {
    const id = newId()
    await subject.store.recordRuns(id, { runs: [run(ref(0, 0))], changes: [change(id, 'run.started', subject.now())] })
    expect(await subject.store.runs(id)).toEqual([])
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test('of a service that was terminated meanwhile nobody is told anything more', async () => {
    const { id } = await inPhase(subject, 'running')
    await subject.other.move(id, ['running'], 'removing', { changes: [change(id, 'terminated', subject.now())] })
    const changes = [change(id, 'run.failed', subject.now())]
    await subject.store.recordRuns(id, { runs: [run(ref(0, 0))], changes })
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['terminated'])
  })
}
