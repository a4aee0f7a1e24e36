/** One line of the benchmark's table. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it must reach, such as `<= 3`; empty for a number that is only shown. */
  readonly budget: string
  readonly ok: boolean
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

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]]
  return (low + high) / 2
}
