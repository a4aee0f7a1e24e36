/** Label and field selectors, as text and as objects. */
import { badRequest } from './failure.ts'
import type { KubeObject } from './objects.ts'

type Labels = Readonly<Record<string, string>>
export type LabelTest = (labels: Labels) => boolean

const SET = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/
const EQUAL = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/
const KEY = /^(!?)\s*([A-Za-z0-9][A-Za-z0-9._/-]*)$/

/** `a=b,c in (d,e),f,!g` */
export function parseLabelSelector(text: string): LabelTest {
  const tests = splitTerms(text).map(parseTerm)
  return (labels) => tests.every((test) => test(labels))
}

/** Commas inside of parentheses belong to the term. */
const splitTerms = (text: string): string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '')

function parseTerm(term: string): LabelTest {
  const set = SET.exec(term)
  if (set)
    return membership(
      set[1] ?? '',
      set[2] === 'in',
      (set[3] ?? '').split(',').map((value) => value.trim()),
    )
  const equal = EQUAL.exec(term)
  if (equal) return membership(equal[1] ?? '', equal[2] !== '!=', [equal[3] ?? ''])
  const key = KEY.exec(term)
  if (!key) throw badRequest(`unable to parse requirement: found '${term}'`)
  const name = key[2] ?? ''
  return (labels) => Object.hasOwn(labels, name) !== (key[1] === '!')
}

function membership(key: string, wanted: boolean, values: readonly string[]): LabelTest {
  return (labels) => {
    const value = labels[key]
    return (value !== undefined && values.includes(value)) === wanted
  }
}

/** `metadata.name=x,metadata.namespace!=y`, and any other path. */
export function parseFieldSelector(text: string): (object: KubeObject) => boolean {
  const terms = splitTerms(text).map((term) => {
    const match = EQUAL.exec(term)
    if (!match) throw badRequest(`invalid field selector: ${term}`)
    return { path: (match[1] ?? '').split('.'), equal: match[2] !== '!=', value: match[3] ?? '' }
  })
  return (object) => terms.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal)
}

function fieldText(object: KubeObject, path: readonly string[]): string {
  let at: unknown = object
  for (const step of path) at = (at as Record<string, unknown> | undefined)?.[step]
  return at === undefined || at === null ? '' : String(at)
}

export const hasLabels = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value)
