import { expect, test } from 'vitest'
import { lastDue, scheduleFault } from './cron-jobs.ts'

const at = (text: string) => new Date(`2026-03-01T${text}Z`)

test.each([
  ['nothing before the first minute is over', '* * * * *', '10:00:10', '10:00:50', undefined],
  ['a minute that began', '* * * * *', '10:00:10', '10:01:00', '10:01:00'],
  ['of many, the last', '*/5 * * * *', '08:00:00', '10:01:00', '10:00:00'],
  ['not the one that was the last before', '0 * * * *', '10:00:00', '10:59:59', undefined],
])('due: %s', (_, schedule, since, now, due) => {
  expect(lastDue({ schedule }, at(since), at(now))).toEqual(due && at(due))
})

test('a time zone moves the hour', () => {
  expect(lastDue({ schedule: '0 9 * * *', timeZone: 'Asia/Tokyo' }, at('00:00:00'), at('00:30:00'))).toBeUndefined()
  expect(lastDue({ schedule: '0 9 * * *', timeZone: 'Etc/UTC' }, at('08:59:00'), at('09:00:01'))).toEqual(
    at('09:00:00'),
  )
})

test.each([
  ['* * * * *', undefined, undefined],
  ['now and then', undefined, expect.any(String)],
  ['* * * * *', 'Nowhere/City', expect.any(String)],
])('schedule %s in %s', (schedule, zone, fault) => expect(scheduleFault(schedule, zone)).toEqual(fault))
