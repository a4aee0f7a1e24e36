/** Formats output as aligned columns, two spaces apart and never truncated, or as JSON. */

export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return all.map((cells) => `${line(cells).trimEnd()}\n`).join('')
}

export const formatJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
