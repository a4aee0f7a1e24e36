/** The operator's page knows every message that an operator may meet, in the words in which they meet it. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')
const page = read('docs/operating.md').replaceAll(/\s+/g, ' ')

/** The longest piece of a text that is not put in at run time: `No ${x} for the y of z` → `for the y of z`. */
const essence = (text: string): string =>
  text
    .split(/\\n|\$\{[^}]*\}?/)
    .map((part) => part.trim().replace(/^[:;,.\s]+|[:;,.\s]+$/g, ''))
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '')

const LITERAL = /'((?:[^'\\\n]|\\.)*)'|`([^`]*)`/.source

/** Texts of calls that begin so. */
function textsOf(path: string, beginning: RegExp): { path: string; text: string }[] {
  const pattern = new RegExp(`${beginning.source}\\s*(?:${LITERAL})`, 'g')
  return [...read(path).matchAll(pattern)].map(([, single, template]) => ({ path, text: single ?? template ?? '' }))
}

/** Of adapters, whose words are about other systems, only those that callers get; defects are one row of the page. */
const FAULTS = ['shared/po/*.ts', 'shared/http/{auth,keys,body}.ts', 'shared/adapters/postgres/faults.ts']
const CODES = 'unauthenticated|forbidden|conflict|too_large|unsupported_media|refused|unavailable'

const faults = FAULTS.flatMap((pattern) => globSync(pattern, { cwd: ROOT.pathname })).flatMap((path) =>
  textsOf(path, new RegExp(`new Fault\\(\\s*'(?:${CODES})',`)),
)
const causes = textsOf('shared/po/lifecycle.ts', /cause: (?:withDetail\()?/).filter(
  ({ text }) =>
    !/is starting|is executing|has finished|is not there yet|is being prepared|nothing is known| yet$/.test(text),
)
const unstartable = textsOf('shared/po/lifecycle.ts', /\b(?:Err|Image|Invalid|Create|Run)[A-Za-z]+:/)
const refusals = globSync('knative/deploy/*.ts', { cwd: ROOT.pathname }).flatMap((path) =>
  textsOf(path, /new Refused\(/),
)

test('there is something to compare', () => {
  expect(faults.length).toBeGreaterThan(15)
  expect(causes.length).toBeGreaterThan(5)
  expect(unstartable.length).toBeGreaterThan(5)
  expect(refusals.length).toBeGreaterThan(2)
})

test.each([...faults, ...causes, ...unstartable, ...refusals])('$path: $text', ({ text }) => {
  expect(page).toContain(essence(text))
})
