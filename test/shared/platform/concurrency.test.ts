import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { allSettledOrThrow, mapConcurrent, permits, withLimit } from '../../../shared/platform/concurrency.ts'

test('permits are granted in order, and none before one is released', async () => {
  const acquire = permits(1)
  const release = await acquire()
  const granted: number[] = []
  const waiting = [1, 2].map(async (nth) => {
    const done = await acquire()
    granted.push(nth)
    return done
  })
  await turn()
  expect(granted).toEqual([])
  release()
  await waiting[0]
  expect(granted).toEqual([1])
  ;(await waiting[0])?.()
  await waiting[1]
  expect(granted).toEqual([1, 2])
})

test('a failure releases its permit', async () => {
  const run = withLimit(1)
  await expect(run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await run(async () => 'next')).toBe('next')
})

test('every item is done, at most so many at a time, and results keep the order', async () => {
  let [running, most] = [0, 0]
  const results = await mapConcurrent([3, 1, 2, 0], 2, async (turns) => {
    running += 1
    most = Math.max(most, running)
    for (let nth = 0; nth < turns; nth += 1) await turn()
    running -= 1
    if (turns === 1) throw new Error('one')
    return turns
  })
  expect(most).toBe(2)
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.status))).toEqual([
    3,
    'rejected',
    2,
    0,
  ])
})

test('the first failure is thrown after everything has settled', async () => {
  let hasSettled = false
  const slow = (async () => {
    await turn()
    hasSettled = true
    throw new Error('slow')
  })()
  const fast = Promise.reject(new Error('fast'))
  await expect(allSettledOrThrow(slow, fast)).rejects.toThrow('slow')
  expect(hasSettled).toBe(true)
  expect(await allSettledOrThrow(Promise.resolve(1), Promise.resolve('two'))).toEqual([1, 'two'])
})
