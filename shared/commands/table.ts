/** Tables that commands print. */

/** What comes from elsewhere is any text: none of it may steer a terminal. */
export const printable = (text: string): string => text.replace(/[^ -~]/g, '?')

export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
