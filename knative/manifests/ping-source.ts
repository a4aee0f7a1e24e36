/** PingSources, which send the ticks of the loops, and their cron schedules. */
import { routes } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'

export interface PingSchedule {
  /** Cron; with a leading field of seconds below one minute. */
  readonly schedule: string
  /** Seconds between two ticks, which fall on multiples of it since the epoch. Divides the interval. */
  readonly tickSeconds: number
  readonly exact: boolean
  /** For the operator, if the interval needs a tick every second. */
  readonly advice: string | null
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** Fields of a schedule that accept steps: seconds per step, and steps until the field starts again. */
const WHEELS = [
  { unit: 1, size: 60, schedule: (step: string) => `${step} * * * * *` },
  { unit: MINUTE, size: 60, schedule: (step: string) => `${step} * * * *` },
  { unit: HOUR, size: 24, schedule: (step: string) => `0 ${step} * * *` },
]

const numbersBelow = (end: number): number[] => Array.from({ length: end - 1 }, (_, index) => index + 1)

const EXACT: ReadonlyMap<number, string> = new Map([
  ...WHEELS.flatMap(({ unit, size, schedule }) =>
    numbersBelow(size)
      .filter((steps) => size % steps === 0)
      .map((steps) => [steps * unit, schedule(steps === 1 ? '*' : `*/${steps}`)] as const),
  ),
  [DAY, '0 0 * * *'],
])

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * The schedule, in UTC like slots. Steps of a cron field start again with each minute, hour or day, so only some intervals are
 * even. For the others, ticks come more often, and the slot gate accepts one per slot.
 * @throws RangeError for anything but a whole number from 1 on
 */
export function pingSchedule(intervalSeconds: number): PingSchedule {
  if (!Number.isSafeInteger(intervalSeconds) || intervalSeconds < 1) {
    throw new RangeError(`an interval is a whole number of seconds from 1 on, not ${intervalSeconds}`)
  }
  const schedule = EXACT.get(intervalSeconds)
  if (schedule !== undefined) return { schedule, tickSeconds: intervalSeconds, exact: true, advice: null }
  const tickSeconds = gcd(intervalSeconds, MINUTE)
  return {
    schedule: EXACT.get(tickSeconds) ?? '',
    tickSeconds,
    exact: false,
    advice: tickSeconds === 1 ? everySecond(intervalSeconds) : null,
  }
}

function everySecond(seconds: number): string {
  const exact = [...EXACT.keys()]
  const [below, above] = [exact.findLast((each) => each < seconds), exact.find((each) => each > seconds)]
  const better = [below, above].filter((each) => each !== undefined).join(' or ')
  return `No schedule ticks every ${seconds} s, so ticks come every second; ${better} s would need one tick per sweep.`
}

export const PING_SOURCE = 'po-status-loop'

/** A ksvc as the sink of a source or the subscriber of a Trigger. */
export const sinkOf = ({ name }: { readonly name: string }) => ({
  ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
})

/** Event functions refuse ticks without data or with data of another type. Default: the PingSource of the status loop. */
export const pingSource = (
  intervalSeconds: number,
  name = PING_SOURCE,
  sink: { readonly name: string } = routes.po.statusReconcile,
) => ({
  apiVersion: 'sources.knative.dev/v1',
  kind: 'PingSource',
  metadata: { name, labels: labelsOf(name, 'loop') },
  spec: {
    schedule: pingSchedule(intervalSeconds).schedule,
    timezone: 'UTC',
    contentType: 'application/json',
    data: JSON.stringify({ intervalSeconds }),
    sink: sinkOf(sink),
  },
})
