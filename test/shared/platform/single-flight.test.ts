/** Reads that are shared: few of them, and none older than its question. */
import { expect, test } from 'vitest'
import { singleFlight } from '../../../shared/platform/single-flight.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

function setUp() {
  const open: PromiseWithResolvers<number>[] = []
  const read = singleFlight(async (_: string) => {
    const reading = Promise.withResolvers<number>()
    open.push(reading)
    return reading.promise
  })
  return { open, read }
}

test('who asks while a reading is under way gets the one after it, and all who do get the same', async () => {
  const { open, read } = setUp()
  const first = read('a')
  await settle()
  const [second, third] = [read('a'), read('a')]
  await settle()
  expect(open).toHaveLength(1)
  open[0]?.resolve(1)
  expect(await first).toBe(1)
  await settle()
  expect(open).toHaveLength(2)
  open[1]?.resolve(2)
  expect(await Promise.all([second, third])).toEqual([2, 2])
})

test('different things are read side by side', async () => {
  const { open, read } = setUp()
  void read('a')
  void read('b')
  await settle()
  expect(open).toHaveLength(2)
})

test('a reading that fails is its own askers’ alone', async () => {
  const { open, read } = setUp()
  const first = read('a')
  await settle()
  const second = read('a')
  open[0]?.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await settle()
  open[1]?.resolve(2)
  expect(await second).toBe(2)
})
