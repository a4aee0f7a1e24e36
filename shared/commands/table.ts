/** Tables that commands print. */

/** Without control characters: a text of another system could steer the terminal. */
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
