/**
 * An image that simulates a histopathology laboratory: specimens arrive at random and go through the stages of a table, each
 * with so many hands or machines, some of which take many specimens at once. As images of digital twins are: settings from
 * the environment, inputs and outputs as files, the exit code says whether it went well.
 *
 *   INPUT_EXCEL_FILE   the table, as CSV: stage, staff, triangular minutes, batch size; `arrival` gives the mean interval
 *   OUTPUT_FOLDER      where `<RUN_ID>.json` goes: turnaround, work in progress, utilisation
 *   SIM_HOURS          how long it is simulated; RUN_ID and SEED make the random numbers
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface Stage {
  readonly name: string
  readonly staff: number
  readonly minutes: readonly [min: number, mode: number, max: number]
  readonly batch: number
}

export interface Laboratory {
  /** Mean minutes between two specimens. */
  readonly interval: number
  readonly stages: readonly Stage[]
}

/** @throws Error that names the line and what was expected there */
export function parseLaboratory(text: string): Laboratory {
  const [head = '', ...lines] = text.trim().split(/\r?\n/)
  const columns = ['stage', 'staff', 'min_minutes', 'mode_minutes', 'max_minutes', 'batch']
  if (head.trim() !== columns.join(',')) throw new Error(`line 1: expected the columns ${columns.join(',')}`)
  const rows = lines.map((line, at) => ({ cells: line.split(',').map((cell) => cell.trim()), at: at + 2 }))
  const arrival = rows.find(({ cells }) => cells[0] === 'arrival')
  if (!arrival) throw new Error('expected a line `arrival` with the mean interval in mode_minutes')
  const stages = rows.filter((row) => row !== arrival).map(({ cells, at }) => stageOf(cells, at))
  if (stages.length === 0) throw new Error('expected at least one stage')
  return { interval: positive(arrival.cells[3], arrival.at, 'mode_minutes'), stages }
}

function positive(cell: string | undefined, line: number, column: string): number {
  const value = Number(cell)
  if (cell === undefined || cell === '' || !(value > 0))
    throw new Error(`line ${line}: ${column}: expected a number above 0`)
  return value
}

function stageOf([name = '', staff, min, mode, max, batch]: readonly string[], line: number): Stage {
  if (name === '') throw new Error(`line ${line}: stage: expected a name`)
  const minutes = [
    positive(min, line, 'min_minutes'),
    positive(mode, line, 'mode_minutes'),
    positive(max, line, 'max_minutes'),
  ] as const
  if (minutes[0] > minutes[1] || minutes[1] > minutes[2]) throw new Error(`line ${line}: expected min <= mode <= max`)
  return { name, staff: positive(staff, line, 'staff'), minutes, batch: positive(batch, line, 'batch') }
}

/** Numbers in [0, 1) that a word decides. */
export function randomFrom(word: string): () => number {
  let state = createHash('sha256').update(word).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function triangular(random: () => number, [min, mode, max]: Stage['minutes']): number {
  const u = random()
  const turn = max === min ? 0 : (mode - min) / (max - min)
  return u < turn
    ? min + Math.sqrt(u * (max - min) * (mode - min))
    : max - Math.sqrt((1 - u) * (max - min) * (max - mode))
}

interface Event {
  readonly at: number
  readonly act: () => void
}

/** What is to happen, the soonest first. */
function createAgenda() {
  const heap: Event[] = []
  const swap = (a: number, b: number): void => {
    ;[heap[a], heap[b]] = [heap[b] as Event, heap[a] as Event]
  }
  const time = (at: number): number => heap[at]?.at ?? Number.POSITIVE_INFINITY
  return {
    add(at: number, act: () => void): void {
      let place = heap.push({ at, act }) - 1
      for (let up = (place - 1) >> 1; place > 0 && time(place) < time(up); up = (place - 1) >> 1) {
        swap(place, up)
        place = up
      }
    },
    next(): Event | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (!first || !last || heap.length === 0) return first
      heap[0] = last
      for (let place = 0; ; ) {
        const [left, right] = [2 * place + 1, 2 * place + 2]
        const least = time(right) < time(left) ? right : left
        if (time(least) >= time(place)) return first
        swap(place, least)
        place = least
      }
    },
  }
}

export interface Report {
  readonly runId: string
  readonly hours: number
  readonly arrived: number
  readonly reported: number
  /** Hours from arrival to report. */
  readonly turnaround: { readonly mean: number; readonly median: number; readonly p90: number }
  /** Specimens in the laboratory, on average over time. */
  readonly workInProgress: number
  /** Share of the time that hands or machines of a stage were busy. */
  readonly utilisation: Readonly<Record<string, number>>
}

interface Desk {
  readonly stage: Stage
  readonly waiting: number[]
  free: number
  busyMinutes: number
}

const round = (value: number): number => Math.round(value * 1000) / 1000

export function simulate({ interval, stages }: Laboratory, hours: number, runId: string, random: () => number): Report {
  const end = hours * 60
  const agenda = createAgenda()
  const desks: Desk[] = stages.map((stage) => ({ stage, waiting: [], free: stage.staff, busyMinutes: 0 }))
  const turnarounds: number[] = []
  let [now, arrived, inside, area] = [0, 0, 0, 0]

  /** Machines wait for a full batch at most as long as the day has hours: what is there is taken when one is free. */
  function serve(place: number): void {
    const desk = desks[place]
    if (!desk || desk.free === 0 || desk.waiting.length === 0) return
    const batch = desk.waiting.splice(0, desk.stage.batch)
    const minutes = triangular(random, desk.stage.minutes)
    desk.free -= 1
    desk.busyMinutes += Math.min(minutes, Math.max(0, end - now))
    agenda.add(now + minutes, () => {
      desk.free += 1
      for (const since of batch) enter(place + 1, since)
      serve(place)
    })
    serve(place)
  }

  function enter(place: number, since: number): void {
    const desk = desks[place]
    if (!desk) {
      inside -= 1
      turnarounds.push((now - since) / 60)
      return
    }
    desk.waiting.push(since)
    serve(place)
  }

  function arrive(): void {
    arrived += 1
    inside += 1
    enter(0, now)
    agenda.add(now - interval * Math.log(1 - random()), arrive)
  }

  agenda.add(-interval * Math.log(1 - random()), arrive)
  for (let event = agenda.next(); event && event.at <= end; event = agenda.next()) {
    area += inside * (event.at - now)
    now = event.at
    event.act()
  }
  area += inside * (end - now)
  const sorted = turnarounds.toSorted((a, b) => a - b)
  const at = (share: number): number => round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  const mean = sorted.reduce((sum, one) => sum + one, 0) / Math.max(1, sorted.length)
  return {
    runId,
    hours,
    arrived,
    reported: sorted.length,
    turnaround: { mean: round(mean), median: at(0.5), p90: at(0.9) },
    workInProgress: round(area / end),
    utilisation: Object.fromEntries(
      desks.map(({ stage, busyMinutes }) => [stage.name, round(busyMinutes / (stage.staff * end))]),
    ),
  }
}

async function main(): Promise<void> {
  const {
    INPUT_EXCEL_FILE: input = '',
    OUTPUT_FOLDER: folder = '',
    RUN_ID: runId = 'run',
    SEED = '',
    SIM_HOURS,
  } = process.env
  const hours = positive(SIM_HOURS, 0, 'SIM_HOURS')
  const laboratory = parseLaboratory(await readFile(input, 'utf8'))
  console.log(`${runId}: ${laboratory.stages.length} stages, ${hours} h`)
  const report = simulate(laboratory, hours, runId, randomFrom(SEED + runId))
  // A real one computes for a while.
  await delay(Number(process.env['WORK_MS'] ?? 0))
  await writeFile(join(folder, `${runId}.json`), `${JSON.stringify(report, null, 2)}\n`)
  console.log(`${runId}: ${report.reported} of ${report.arrived} specimens reported`)
}

if (import.meta.main) await main()
