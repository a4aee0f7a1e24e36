import { expect, test } from 'vitest'
import { plainSchedule } from './cron.ts'
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

test.each([
  ['* * * * *', '* * * * *'],
  ['3/5 * * * *', '3,8,13,18,23,28,33,38,43,48,53,58 * * * *'],
  ['*/90 * * * *', '0 * * * *'],
  ['*/1 ? * * *', '* * * * *'],
  ['1,2,3/29 0 * * *', '1,2,3,32 0 * * *'],
  ['0 0 1-31/40 * *', '0 0 1 * *'],
  ['5-7,1,6 0 * JAN,mar-Apr Sun', '1,5,6,7 0 * 1,3,4 0'],
  ['@daily', '0 0 * * *'],
])('%s is read as %s', (schedule, plain) => expect(plainSchedule(schedule)).toBe(plain))

test.each([
  ['* * * *', 'expected exactly 5 fields, found 4'],
  ['60 * * * *', 'minute 60 is not between 0 and 59'],
  ['* * * * 7', 'day of week 7 is not between 0 and 6'],
  ['* * 0 * *', 'day of month 0 is not between 1 and 31'],
  ['*/0 * * * *', 'step of minute should be a positive number'],
  ['7-5 * * * *', 'beginning of range "7-5" is beyond its end'],
  ['1-2-3 * * * *', 'too many hyphens in "1-2-3"'],
  ['1/2/3 * * * *', 'too many slashes in "1/2/3"'],
  ['x * * * *', 'failed to parse minute "x"'],
  ['-1 * * * *', 'failed to parse minute ""'],
  ['TZ=UTC * * * * *', 'use timeZone field instead'],
  ['@often', 'expected exactly 5 fields, found 1'],
])('%s is refused: %s', (schedule, why) => expect(() => plainSchedule(schedule)).toThrow(why))
