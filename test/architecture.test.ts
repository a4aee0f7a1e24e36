/**
 * The map of the repository, as rules that are checked: who may import what, who may know a vendor, what an entry may
 * hold. A new folder has to be given a room here before anything in it passes.
 */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allRoutes, functionFolder } from '../shared/routes/index.ts'
import { type Import, importsOf, withoutComments } from './imports.ts'

type Sources = ReadonlyMap<string, string>

interface Room {
  readonly name: string
  readonly files: RegExp
  readonly may: RegExp
}

/** The first room that fits a file is its room. `(po|dt)` are the features. */
const ROOMS: readonly Room[] = [
  { name: 'words', files: /^shared\/(fault|registry|(po|dt|files)\/model)\.ts$/, may: /^$/ },
  { name: 'table', files: /^shared\/(twin-)?routes\.ts$/, may: /^shared\/(twin-)?routes\.ts$/ },
  {
    name: 'configuration',
    files: /^shared\/(config|setting|(twin|log|edge)-settings)\.ts$/,
    may: /^(shared\/(routes|setting|(twin|log|edge)-settings|dns-egress|cidr|registry)\.ts|node:(fs|net))$/,
  },
  { name: 'networks', files: /^shared\/(dns-egress|cidr)\.ts$/, may: /^$/ },
  { name: 'ways of working', files: /^shared\/work\//, may: /^$/ },
  { name: 'tokens', files: /^shared\/service-token\.ts$/, may: /^node:crypto$/ },
  { name: 'log', files: /^shared\/log\.ts$/, may: /^pino$/ },
  { name: 'names', files: /^shared\/(po|dt)\/names\.ts$/, may: /^shared\/(po|dt)\/model\.ts$/ },
  {
    name: 'rim of files',
    files: /^shared\/files\/(schema|answers|run-answers)\.ts$/,
    may: /^(shared\/(files\/.+|http\/.+|fault\.ts)|zod)$/,
  },
  {
    name: 'files',
    files: /^shared\/files\//,
    may: /^shared\/(files\/(?!schema|answers|run-answers).+|fault\.ts)$/,
  },
  {
    name: 'ports and lifecycle',
    files: /^shared\/(po|dt)\/(ports|settings|lifecycle)\.ts$/,
    may: /^shared\/((po|dt)\/(model|ports|settings|lifecycle)|dns-egress)\.ts$/,
  },
  {
    name: 'objects',
    files: /^shared\/(po|dt)\/objects\//,
    may: /^shared\/((po|dt)\/(objects\/.+|(model|names|ports|settings)\.ts)|(dns-egress|cidr)\.ts)$/,
  },
  {
    name: 'rim of a feature',
    files: /^shared\/(po|dt)\/(schema|requests)\.ts$/,
    may: /^(shared\/(po|dt)\/.+|shared\/fault\.ts|shared\/http\/endpoint\.ts|shared\/files\/schema\.ts|zod)$/,
  },
  {
    name: 'use cases',
    files: /^shared\/(po|dt)\//,
    may: /^(shared\/(po|dt)\/(?!schema|requests).+|shared\/((fault|registry)\.ts|work\/.+))$/,
  },
  {
    name: 'import',
    files: /^shared\/import\//,
    may: /^shared\/(import\/.+|fault\.ts|files\/(model|ports|receive)\.ts|dt\/(model|spec|bounds|image)\.ts)$/,
  },
  {
    name: 'adapters',
    files: /^shared\/adapters\//,
    may: /^(shared\/adapters\/.+|shared\/(po|dt|files|import)\/(model|names|ports)\.ts|shared\/(fault|config)\.ts|node:.+|[@a-z][^:]*(?<!\.ts))$/,
  },
  { name: 'development', files: /^shared\/http\/serve\.ts$/, may: /^(shared\/(routes|http\/start)\.ts|functions\/)$/ },
  { name: 'programs of pods', files: /^shared\/pod\//, may: /^(shared\/pod\/.+|node:.+)$/ },
  {
    name: 'start',
    files: /^shared\/http\/start\.ts$/,
    may: /^shared\/(http\/.+|wire\/checks\.ts|config\.ts|log\.ts|routes\.ts)$/,
  },
  {
    name: 'edge',
    files: /^shared\/(http|events)\//,
    may: /^(shared\/(http|events)\/.+|shared\/(fault|routes|config|log|service-token|po\/model)\.ts|node:.+|[@a-z][^:]*(?<!\.ts))$/,
  },
  {
    name: 'wiring',
    files: /^shared\/wire\//,
    may: /^(shared\/(wire|adapters)\/.+|shared\/(config|log|routes|service-token|dt\/model|files\/(id|tidy|ports))\.ts|shared\/(po|dt)\/(ports|settings)\.ts|shared\/import\/ports\.ts|node:.+)$/,
  },
  {
    name: 'commands',
    files: /^shared\/[\w-]+\.ts$/,
    may: /^(shared\/(adapters|wire)\/.+|shared\/(config|adopt-report|import-report|table)\.ts|shared\/(po|dt)\/(model|ports|adopt\/.+)\.ts|shared\/import\/.+|node:.+)$/,
  },
  {
    name: 'entries',
    files: /^functions\/.+\/index\.ts$/,
    may: /^(functions\/.+|shared\/(http|events|wire|po|dt|files)\/.+|shared\/routes\.ts)$/,
  },
  {
    name: 'pages',
    files: /^functions\/.+\/docs\//,
    may: /^(functions\/.+\/docs\/.+|shared\/http\/.+|shared\/(po|dt)\/schema\.ts|shared\/routes\.ts)$/,
  },
  {
    name: 'plugin',
    files: /^knative\/kn-po\//,
    may: /^(knative\/(kn-po\/.+|grants\.ts|ping-source\.ts)|shared\/(routes|po\/model)\.ts|node:.+)$/,
  },
  {
    name: 'rendering',
    files: /^knative\//,
    may: /^(knative\/.+|shared\/.+|node:.+|esbuild|jose|yaml)$/,
  },
]

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
/** Types and tables: the obligations of the ports, and the settings. */
const LONG = /^shared\/((po|dt|files)\/ports|config)\.ts$/
const INDEX = /^shared\/((po|dt)\/objects|adapters(\/[\w-]+)+)\/index\.ts$/
const COMMANDS = /^(shared\/([\w-]+|pod\/[\w-]+)\.ts|knative\/.+)$/
/** Clock, randomness, environment and network reach a feature as ports only. */
const AMBIENT =
  /\b(process\.|Date\.now\(|new Date\(\)|performance\.|Math\.random|set(?:Timeout|Interval)\(|fetch\(|crypto\.)/
const UNFINISHED = new RegExp(
  `\\b(?:${['TO', 'FIX', 'X'].map((word, at) => word + ['DO', 'ME', 'XX'][at]).join('|')})\\b`,
)

function importFaults(path: string, room: Room, { target, isPackage, line, reexport }: Import): string[] {
  const at = `${path}:${line}`
  const feature = /^shared\/(po|dt)\//
  const [own, other] = [feature.exec(path)?.[1], feature.exec(target)?.[1]]
  const vendor = isPackage && !VENDORS[target]?.test(path)
  return [
    ...(room.may.test(target) ? [] : [`${at} ${room.name} may not import ${target}`]),
    ...(own && other && own !== other ? [`${at} ${own} may not import ${other}`] : []),
    ...(vendor ? [`${at} may not know ${target}`] : []),
    ...(reexport && !INDEX.test(path) ? [`${at} re-exports: only an index of objects or of an adapter may`] : []),
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
    const room = ROOMS.find(({ files }) => files.test(path))
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
    ['shared/po/model.ts', `import type { Ports } from './ports.ts'`, 'words may not import shared/po/ports.ts'],
    ['shared/po/lifecycle.ts', `import { x } from '../fault.ts'`, 'may not import shared/platform/fault.ts'],
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
    ['shared/http/a.ts', `import { runChecks } from '../wire/checks.ts'`, 'edge may not import shared/wire/checks.ts'],
    ['shared/http/start.ts', `import { wire } from '../wire/index.ts'`, 'start may not import shared/wire/index.ts'],
    ['shared/http/a.ts', `import '../../test/sandbox/hub.ts'`, 'edge may not import test/sandbox/hub.ts'],
    ['shared/http/a.ts', `import { x } from '../../functions/po/stop/index.ts'`, 'edge may not import functions'],
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
    ['shared/po/stop.ts', `import { isFault } from '../fault.ts'\nimport type { Ports } from './ports.ts'`],
    ['shared/adapters/postgres/a.ts', `import postgres from 'postgres'\nimport { once } from 'node:events'`],
    ['shared/po/objects/index.ts', `export { x } from './pods.ts'`],
    ['shared/po/stop.ts', lines(300)],
  ])('and what is allowed is not: %s', (path, source) => expect(faults(new Map([[path, source]]))).toEqual([]))

  test('a package that is reached through types alone is not loaded', () => {
    const sources = new Map([
      ['functions/a/index.ts', `import { b } from '../../shared/b.ts'\nimport type { C } from '../../shared/c.ts'`],
      ['shared/b.ts', `import { type D, d } from 'zod'`],
      ['shared/c.ts', `import { e } from 'undici'`],
    ])
    expect(packagesOf('functions/a/index.ts', sources)).toEqual(new Set(['zod']))
  })
})
