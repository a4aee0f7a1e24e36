/** One line of the benchmark's table. */
export interface BenchRow {
  readonly name: string
  /** Null if it was not measured. */
  readonly value: number | null
  readonly unit: string
  /** The budget, such as `<= 3`; empty for a number that is only shown. */
  readonly budget: string
  readonly ok: boolean | null
}

const round = (value: number): number => Math.round(value * 100) / 100

export const atMost = (name: string, value: number, unit: string, budget: number): BenchRow => ({
  name,
  value: round(value),
  unit,
  budget: `<= ${budget}`,
  ok: value <= budget,
})

export const atLeast = (name: string, value: number, unit: string, budget: number): BenchRow => ({
  name,
  value: round(value),
  unit,
  budget: `>= ${budget}`,
  ok: value >= budget,
})

export const shown = (name: string, value: number, unit: string): BenchRow => ({
  name,
  value: round(value),
  unit,
  budget: '',
  ok: true,
})

/** For a budget that cannot be measured on this machine. */
export const notMeasured = (name: string, why: string, budget: string): BenchRow => ({
  name: `${name} (not measured: ${why})`,
  value: null,
  unit: '',
  budget,
  ok: null,
})

/** A failed measurement. */
export const missed = (name: string): BenchRow => ({ name, value: null, unit: '', budget: '', ok: false })

/** The smallest value that `share` of all values do not exceed. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN

const verdict = ({ budget, ok }: BenchRow): string => {
  if (ok === false) return 'MISSED'
  return ok === null || budget === '' ? '' : 'ok'
}

/** Prints a plain-text table. */
export function print(rows: readonly BenchRow[], write: (line: string) => void = console.log): void {
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const row of rows) {
    const value = row.value === null ? '-' : row.value.toFixed(2)
    write(
      `${row.name.padEnd(width)}  ${value.padStart(9)} ${row.unit.padEnd(7)}${row.budget.padEnd(9)}${verdict(row)}`.trimEnd(),
    )
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]]
  return (low + high) / 2
}
