/**
 * How much a service may ask for. The schema of a launch, the check of a resource and its CRD have the same bounds; a test
 * compares the CRD with this table. Lengths are in characters (Unicode code points), as the API server counts them.
 */
export const BOUNDS = {
  image: 512,
  description: 10_000,
  displayName: 200,
  schedule: 256,
  variables: 1000,
  variableName: 256,
  variableValue: 32_768,
  /** Bytes of all names and values of one environment; a process gets all of it at its start. */
  environmentBytes: 262_144,
  mounts: 1000,
  /** An id of a file has 24; other texts name no file. */
  fileId: 64,
  inputName: 1024,
  labels: 64,
} as const

/** Inclusive ranges of the numbers of a resource. */
export const RANGES = {
  port: [1, 65_535],
  reps: [1, 100],
  parallelism: [1, 100],
  retries: [0, 20],
  historyLimit: [1, 1000],
  retentionDays: [0, 36_500],
} as const satisfies Readonly<Record<string, readonly [min: number, max: number]>>

/** True of a text of more than `most` code points. Looks at no more of it than it has to. */
export function isLonger(text: string, most: number): boolean {
  if (text.length <= most) return false
  return text.length > 2 * most || [...text].length > most
}
