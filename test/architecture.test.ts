/**
 * The rules of the map (`knative/render/rooms.ts`): who may import what, who may know a package, no circles, what an entry
 * may hold.
 */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ROOMS, type Room, roomOf } from '../knative/render/rooms.ts'
import { allRoutes, functionFolder } from '../shared/routes/index.ts'
import { type Import, importsOf, withoutComments } from './imports.ts'

type Sources = ReadonlyMap<string, string>

/** Who may know a package. Nobody else does, and no package is without an entry. */
const VENDORS: Readonly<Record<string, RegExp>> = {
  '@google-cloud/functions-framework': /^shared\/(http|events)\/register\.ts$/,
  '@kubernetes/client-node': /^shared\/(adapters\/kubernetes\/|platform\/objects\.ts$)/,
  cloudevents: /^shared\/(events|adapters)\//,
  esbuild: /^knative\//,
  jose: /^(shared\/(http\/(auth|keys)|adapters\/signing)\.ts$|knative\/)/,
  mongodb: /^shared\/adapters\/mongo\//,
  pino: /^shared\/log\.ts$/,
  postgres: /^shared\/adapters\/postgres\//,
  undici: /^shared\/adapters\/kubernetes\//,
  yaml: /^knative\//,
  zod: /^(shared\/http\/|shared\/(po|dt|files)\/schema\.ts)/,
}

const ENTRY = /^functions\/.+\/index\.ts$/
const ENTRY_LINES = 25
const FILE_LINES = 300
/** Types and tables: the obligations of the ports, and the rooms. */
const LONG = /^shared\/(po|dt|files)\/ports\.ts$|^knative\/render\/rooms\.ts$/
const INDEX = /^shared\/((po|dt)\/objects|routes|adapters(\/[\w-]+)+)\/index\.ts$/
const COMMANDS = /^(shared\/(commands|pod)\/[\w-]+\.ts|knative\/.+)$/
/** Clock, randomness, environment and network reach a feature as ports only. */
const AMBIENT =
  /\b(process\.|Date\.now\(|new Date\(\)|performance\.|Math\.random|set(?:Timeout|Interval)\(|fetch\(|crypto\.)/
const UNFINISHED = new RegExp(
  `\\b(?:${['TO', 'FIX', 'X'].map((word, at) => word + ['DO', 'ME', 'XX'][at]).join('|')})\\b`,
)

/** Features do not import each other, but for these. */
const FEATURE_MAY: Readonly<Record<string, readonly string[]>> = {
  po: [],
  dt: ['files'],
  files: [],
  import: ['dt', 'files'],
}
const featureOf = (path: string) => /^shared\/(po|dt|files|import)\//.exec(path)?.[1]

function isAllowed({ may }: Room, { target, isPackage }: Pick<Import, 'target' | 'isPackage'>): boolean {
  if (isPackage) return may.includes('packages') || may.includes(target)
  if (target.startsWith('node:')) return may.includes('node:*') || may.includes(target)
  return may.includes(target) || may.includes(roomOf(target)?.name ?? '')
}

function importFaults(path: string, room: Room, { target, isPackage, line, reexport }: Import): string[] {
  const at = `${path}:${line}`
  const [own, other] = [featureOf(path), featureOf(target)]
  const vendor = isPackage && !VENDORS[target]?.test(path)
  return [
    ...(isAllowed(room, { target, isPackage }) ? [] : [`${at} ${room.name} may not import ${target}`]),
    ...(own && other && own !== other && !FEATURE_MAY[own]?.includes(other)
      ? [`${at} ${own} may not import ${other}`]
      : []),
    ...(vendor ? [`${at} may not know ${target}`] : []),
    ...(reexport && !INDEX.test(path)
      ? [`${at} re-exports: only an index of objects, of routes or of an adapter may`]
      : []),
  ]
}

function textFaults(path: string, source: string): string[] {
  const code = withoutComments(source)
  const lines = source.trimEnd().split('\n').length
  const limit = ENTRY.test(path) ? ENTRY_LINES : FILE_LINES
  return [
    ...(lines > limit && !LONG.test(path) ? [`${path} has ${lines} lines, more than ${limit}`] : []),
    ...(ENTRY.test(path) && /\bif\s*\(/.test(code) ? [`${path} decides: an entry only wires`] : []),
    ...(/\bconsole\./.test(code) && !COMMANDS.test(path) ? [`${path} writes to the console`] : []),
    ...(/^shared\/(po|dt|files)\//.test(path) && AMBIENT.test(code) ? [`${path} uses ${AMBIENT.exec(code)?.[1]}`] : []),
    ...(UNFINISHED.test(source) ? [`${path} is unfinished`] : []),
  ]
}

function faults(sources: Sources): string[] {
  return [...sources].flatMap(([path, source]) => {
    const room = roomOf(path)
    if (!room) return [`${path} is in no room`]
    return [...importsOf(path, source).flatMap((found) => importFaults(path, room, found)), ...textFaults(path, source)]
  })
}

const ROOT = new URL('../', import.meta.url)
const read = (pattern: string): Sources =>
  new Map(
    globSync(pattern, { cwd: ROOT.pathname }).map((path) => [
      path.replaceAll('\\', '/'),
      readFileSync(new URL(path, ROOT), 'utf8'),
    ]),
  )
const product = read('{shared,functions,knative}/**/*.ts')

/** Circles of imports, those of types included: each as the path that closes it. */
function circles(sources: Sources): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) return void found.push([...trail.slice(at), path].join(' → '))
    if (done.has(path)) return
    for (const { target } of importsOf(path, sources.get(path) ?? ''))
      if (sources.has(target)) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of sources.keys()) visit(path, [])
  return found
}

/** Packages that are loaded when a file is, through all it imports. */
function packagesOf(path: string, sources: Sources): Set<string> {
  const files = new Set<string>([path])
  const packages = new Set<string>()
  for (const file of files)
    for (const { target, isPackage, kind } of importsOf(file, sources.get(file) ?? ''))
      if (kind === 'value') (isPackage ? packages : files).add(target)
  return packages
}

describe('the tree', () => {
  test('has sources to look at', () => expect(product.size).toBeGreaterThan(100))
  test('keeps every rule', () => expect(faults(product)).toEqual([]))
  test('has no circle of imports', () => expect(circles(product)).toEqual([]))
  test('has a file in each room of the map', () => {
    const rooms = new Set([...product.keys()].map((path) => roomOf(path)?.name))
    expect(ROOMS.filter(({ name }) => !rooms.has(name)).map(({ name }) => name)).toEqual([])
  })
  test('has nothing unfinished in its tests, hooks and documents', () => {
    const others = [...read('{test,.githooks}/**/*.ts'), ...read('{*.md,docs/**/*.md,Makefile,Dockerfile}')]
    expect(others.filter(([, text]) => UNFINISHED.test(text)).map(([path]) => path)).toEqual([])
  })
  test('has an entry for each route, and no other', () => {
    const entries = [...product.keys()].filter((path) => ENTRY.test(path))
    const expected = allRoutes.map((route) => `functions/${functionFolder(route)}/index.ts`)
    expect(entries.toSorted()).toEqual(expected.toSorted())
  })
})

describe.each(allRoutes)('$name', (route) => {
  const packages = packagesOf(`functions/${functionFolder(route)}/index.ts`, product)
  const kubernetes = route.kubernetes.length > 0
  const database = (route.settings as readonly string[]).includes('database')
  test(`loads Kubernetes: ${kubernetes}`, () => {
    expect(packages.has('@kubernetes/client-node')).toBe(kubernetes)
    expect(packages.has('undici')).toBe(kubernetes)
  })
  test(`loads PostgreSQL: ${database}`, () => expect(packages.has('postgres')).toBe(database))
})

describe('a planted violation is seen:', () => {
  const unfinished = ['TO', 'DO'].join('')
  const lines = (count: number) => 'export const x = 1\n'.repeat(count)
  test.each([
    ['shared/po/names.ts', `import { readFileSync } from 'node:fs'`, 'names may not import node:fs'],
    ['shared/po/model.ts', `import type { Ports } from './ports.ts'`, 'model may not import shared/po/ports.ts'],
    ['shared/po/lifecycle.ts', `import { x } from '../log.ts'`, 'lifecycle may not import shared/log.ts'],
    ['shared/po/objects/a.ts', `import { create } from '../create.ts'`, 'objects may not import shared/po/create.ts'],
    [
      'shared/po/stop.ts',
      `import {\n  a,\n  b,\n} from '../adapters/hub/index.ts'`,
      'stop.ts:1 use cases may not import',
    ],
    ['shared/po/stop.ts', `import * as z from 'zod'`, 'may not know zod'],
    ['shared/po/stop.ts', `import { x } from '../dt/model.ts'`, 'po may not import dt'],
    ['shared/dt/stop.ts', `export type { X } from '../po/model.ts'`, 'dt may not import po'],
    ['shared/po/stop.ts', `\nconst x = await import('undici')`, 'stop.ts:2 use cases may not import undici'],
    [
      'shared/adapters/hub/a.ts',
      `import { stop } from '../../po/stop.ts'`,
      'adapters may not import shared/po/stop.ts',
    ],
    ['shared/adapters/hub/a.ts', `import postgres from 'postgres'`, 'may not know postgres'],
    ['shared/adapters/hub/a.ts', `import got from 'got/dist/x.js'`, 'may not know got'],
    [
      'shared/adapters/hub/a.ts',
      `import type * as k8s from "@kubernetes/client-node/x"`,
      'may not know @kubernetes/client-node',
    ],
    ['shared/http/a.ts', `import { wirePo } from '../wire/po.ts'`, 'http may not import shared/wire/po.ts'],
    ['shared/http/a.ts', `import type { X } from '../po/model.ts'`, 'http may not import shared/po/model.ts'],
    ['shared/events/a.ts', `import { x } from '../files/runs.ts'`, 'http may not import shared/files/runs.ts'],
    ['shared/http/start.ts', `import { x } from '../po/stop.ts'`, 'start may not import shared/po/stop.ts'],
    ['shared/http/start.ts', `import { x } from '../wire/context.ts'`, 'start may not import shared/wire/context.ts'],
    ['shared/po/schema.ts', `import type { X } from '../http/endpoint.ts'`, 'schemas may not import shared/http'],
    ['shared/http/a.ts', `import '../../test/sandbox/hub.ts'`, 'http may not import test/sandbox/hub.ts'],
    ['shared/http/a.ts', `import { x } from '../../functions/po/stop/index.ts'`, 'http may not import functions'],
    ['shared/wire/a.ts', `import { stop } from '../po/stop.ts'`, 'wiring may not import shared/po/stop.ts'],
    ['shared/po/stop.ts', `export { x } from './model.ts'`, 're-exports'],
    ['functions/po/stop/index.ts', `if (process.env.X) x()`, 'an entry only wires'],
    ['functions/po/stop/index.ts', lines(26), '26 lines, more than 25'],
    [
      'functions/po/stop/index.ts',
      `import { createStore } from '../../../shared/adapters/postgres/index.ts'`,
      'entries may not import',
    ],
    ['shared/po/stop.ts', `const x = () => console.log(1)`, 'writes to the console'],
    ['shared/po/stop.ts', `const x = () => Date.now()`, 'uses Date.now('],
    ['shared/po/stop.ts', `const x = process.env['X']`, 'uses process.'],
    ['shared/po/stop.ts', lines(301), '301 lines, more than 300'],
    ['shared/po/stop.ts', `// ${unfinished}: later`, 'is unfinished'],
    ['lib/a.ts', '', 'lib/a.ts is in no room'],
  ])('%s: %s', (path, source, expected) => {
    const found = faults(new Map([[path, source]]))
    expect(found.join('\n')).toContain(expected)
  })

  test.each([
    [
      'shared/po/stop.ts',
      `// import { x } from 'zod'\n/*\nimport y from 'undici'\n*/\nconst a = 'https://x' // console.log`,
    ],
    ['shared/po/stop.ts', `const importer = load('zod')\nconst text = "import x from 'zod'"`],
    ['shared/po/stop.ts', `import { isFault } from '../platform/fault.ts'\nimport type { Ports } from './ports.ts'`],
    ['shared/adapters/postgres/a.ts', `import postgres from 'postgres'\nimport { once } from 'node:events'`],
    ['shared/po/objects/index.ts', `export { x } from './pods.ts'`],
    ['shared/po/stop.ts', lines(300)],
  ])('and what is allowed is not: %s', (path, source) => expect(faults(new Map([[path, source]]))).toEqual([]))

  test('a circle is seen, also one of types', () => {
    const sources = new Map([
      ['shared/a.ts', `import type { B } from './b.ts'`],
      ['shared/b.ts', `import { c } from './c.ts'`],
      ['shared/c.ts', `import { A } from './a.ts'`],
    ])
    expect(circles(sources)).toEqual(['shared/a.ts → shared/b.ts → shared/c.ts → shared/a.ts'])
  })

  test('a package that is reached through types alone is not loaded', () => {
    const sources = new Map([
      ['functions/a/index.ts', `import { b } from '../../shared/b.ts'\nimport type { C } from '../../shared/c.ts'`],
      ['shared/b.ts', `import { type D, d } from 'zod'`],
      ['shared/c.ts', `import { e } from 'undici'`],
    ])
    expect(packagesOf('functions/a/index.ts', sources)).toEqual(new Set(['zod']))
  })
})
