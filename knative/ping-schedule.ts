/**
 * From STATUS_LOOP_INTERVAL to the schedule of one PingSource. A cron field is a set within its wheel, so an even spacing
 * exists only where it fits the wheel; every other interval is ticked more often, and the slot gate lets one tick per
 * slot through. The schedule is meant in UTC, as slots are.
 */

export interface PingSchedule {
  /** Cron; with a leading field of seconds below one minute. */
  readonly schedule: string
  /** Seconds between two ticks, which fall on multiples of it since the epoch. Divides the interval. */
  readonly tickSeconds: number
  /** One tick per slot. */
  readonly exact: boolean
  /** For the operator, when the interval is a costly one. */
  readonly advice: string | null
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

const divides = (part: number, whole: number): boolean => whole % part === 0
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const step = (every: number): string => (every === 1 ? '*' : `*/${every}`)

/** Undefined where no schedule has exactly this spacing. */
function exactly(seconds: number): string | undefined {
  if (seconds < MINUTE) return divides(seconds, MINUTE) ? `${step(seconds)} * * * * *` : undefined
  if (seconds < HOUR)
    return divides(seconds, HOUR) && divides(MINUTE, seconds) ? `${step(seconds / MINUTE)} * * * *` : undefined
  if (seconds < DAY)
    return divides(seconds, DAY) && divides(HOUR, seconds) ? `0 ${step(seconds / HOUR)} * * *` : undefined
  return seconds === DAY ? '0 0 * * *' : undefined
}

/** The next intervals on either side that one schedule ticks exactly. */
function neighbours(seconds: number): number[] {
  const exact = Array.from({ length: DAY }, (_, index) => index + 1).filter((each) => exactly(each) !== undefined)
  const [below, above] = [exact.findLast((each) => each < seconds), exact.find((each) => each > seconds)]
  return [below, above].filter((each) => each !== undefined)
}

/** @throws RangeError for what is no whole number from 1 on */
export function pingSchedule(intervalSeconds: number): PingSchedule {
  if (!Number.isSafeInteger(intervalSeconds) || intervalSeconds < 1) {
    throw new RangeError(`an interval is a whole number of seconds from 1 on, not ${intervalSeconds}`)
  }
  const schedule = exactly(intervalSeconds)
  if (schedule !== undefined) return { schedule, tickSeconds: intervalSeconds, exact: true, advice: null }
  const tickSeconds = gcd(intervalSeconds, MINUTE)
  return {
    schedule: exactly(tickSeconds) ?? '',
    tickSeconds,
    exact: false,
    advice: tickSeconds === 1 ? everySecond(intervalSeconds) : null,
  }
}

const everySecond = (seconds: number): string =>
  `No schedule ticks every ${seconds} s, so ticks come every second; ` +
  `${neighbours(seconds).join(' or ')} s would need one tick per sweep.`
