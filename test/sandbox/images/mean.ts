/**
 * Analysis `sandbox/mean`: mean and standard deviation of every numeric column of the project's tables, in rounds, as a
 * federation does it: each round looks at one share of the rows and merges its moments into those so far.
 *
 * Environment beside the SDK's: ROUNDS (6), ROUND_MS pause of a round (500).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { endOnSignals } from './api.ts'
import { startSdk } from './sdk.ts'

export interface Moments {
  readonly count: number
  readonly mean: number
  /** Sum of squared distances from the mean. */
  readonly squares: number
}

const NONE: Moments = { count: 0, mean: 0, squares: 0 }

/** Merges the moments of two shares without their values. */
export function merge(a: Moments, b: Moments): Moments {
  const count = a.count + b.count
  if (count === 0) return NONE
  const distance = b.mean - a.mean
  return {
    count,
    mean: a.mean + (distance * b.count) / count,
    squares: a.squares + b.squares + (distance ** 2 * a.count * b.count) / count,
  }
}

export const momentsOf = (values: readonly number[]): Moments =>
  values.reduce((sofar, value) => merge(sofar, { count: 1, mean: value, squares: 0 }), NONE)

interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function parseTable(csv: string): Table {
  const [columns = [], ...rows] = csv
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','))
  return { columns, rows }
}

type Summary = ReadonlyMap<string, Moments>

function addShare(sofar: Summary, { columns, rows }: Table): Summary {
  const share = columns.map((name, index): [string, Moments] => {
    const values = rows.map((row) => Number(row[index])).filter(Number.isFinite)
    return [name, merge(sofar.get(name) ?? NONE, momentsOf(values))]
  })
  return new Map([...sofar, ...share])
}

export const report = (summary: Summary) =>
  Object.fromEntries(
    [...summary]
      .filter(([, { count }]) => count > 1)
      .map(([name, { count, mean, squares }]) => [name, { count, mean, sd: Math.sqrt(squares / (count - 1)) }]),
  )

async function run(env = process.env): Promise<void> {
  const rounds = Number(env['ROUNDS'] ?? 6)
  const pause = Number(env['ROUND_MS'] ?? 500)
  const sdk = await startSdk(env)
  if (sdk.status !== 'executing') return
  try {
    const files = await sdk.files()
    const tables = (await Promise.all(files.map(sdk.read))).map(parseTable)
    await sdk.log(`read ${tables.reduce((sum, { rows }) => sum + rows.length, 0)} rows of ${files.length} file(s)`)
    let summary: Summary = new Map()
    for (let round = 1; round <= rounds; round += 1) {
      await sleep(pause)
      const inRound = (_row: unknown, index: number) => index % rounds === round - 1
      summary = tables.reduce(
        (sofar, table) => addShare(sofar, { ...table, rows: table.rows.filter(inRound) }),
        summary,
      )
      sdk.setProgress(Math.floor((round * 95) / rounds))
      await sdk.log(`round ${round} of ${rounds}: mean age ${summary.get('age')?.mean.toFixed(2) ?? 'unknown'}`)
    }
    await sdk.submit('means.json', JSON.stringify(report(summary), null, 2))
    sdk.become('executed', 100)
    await sdk.log('the result is stored')
  } catch (error) {
    sdk.become('failed')
    await sdk.log(`the analysis failed: ${String(error)}`, 'error')
  }
}

if (import.meta.main) {
  endOnSignals()
  await run()
}
