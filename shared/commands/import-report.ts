/** The report of an import, as a table or as JSON. */
import type { Finding, ImportVerdict } from '../import/import.ts'
import { printable, tableOf } from './table.ts'

export interface ImportReport {
  /** False for a dry run. */
  readonly applied: boolean
  readonly findings: readonly Finding[]
}

const HEAD = ['KIND', 'ID', 'NAME', 'RESULT', 'NOTE']

const lineOf = ({ kind, id, name, verdict, notes }: Finding): string[] =>
  [kind, id, name, verdict, notes.join('; ')].map(printable)

const WORDS: readonly ImportVerdict[] = ['new', 'taken', 'there', 'refused']

function sumOf({ findings }: ImportReport, kind: Finding['kind']): string {
  const of = findings.filter((finding) => finding.kind === kind)
  const counts = WORDS.map((word) => [of.filter(({ verdict }) => verdict === word).length, word] as const)
  return counts.flatMap(([count, word]) => (count > 0 ? [`${count} ${word}`] : [])).join(', ') || 'none'
}

export function renderTable(report: ImportReport): string {
  const rows = report.findings.map(lineOf)
  return [
    ...(rows.length > 0 ? tableOf([HEAD, ...rows]) : ['nothing was found']),
    '',
    `files: ${sumOf(report, 'file')}; services: ${sumOf(report, 'service')}.${report.applied ? '' : ' Nothing was changed.'}`,
  ].join('\n')
}

export const renderJson = (report: ImportReport): string => JSON.stringify(report, null, 2)
