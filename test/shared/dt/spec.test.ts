/** What a resource may ask for, whatever its CRD let through, and what its check costs. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { BOUNDS, RANGES } from '../../../shared/dt/bounds.ts'
import { imageFault } from '../../../shared/dt/image.ts'
import { clashingName, readSpec, Unacceptable } from '../../../shared/dt/spec.ts'

const ID = '669a52d1364a1b751c550d56'
const FILE = '669a4eee364a1b751c550b02'
const HEX = 'a'.repeat(64)

const resource = (fields: object = {}, labels: Readonly<Record<string, string>> = {}) => ({
  name: ID,
  labels,
  spec: { image: 'sim:1', jobType: 'ondemand', reps: 2, ...fields },
})
const numbered = (count: number, value: (n: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, value(n)]))

function reasonOf(read: ReturnType<typeof resource>): string {
  try {
    readSpec(read)
  } catch (error) {
    if (error instanceof Unacceptable) return error.message
    throw error
  }
  return ''
}

describe('a resource is refused with', () => {
  test.each<[string, ReturnType<typeof resource>, string]>([
    ['a name in capitals', { ...resource(), name: ID.toUpperCase() }, 'metadata.name must be 24'],
    [
      'too many labels',
      resource(
        {},
        numbered(65, () => 'v'),
      ),
      'metadata.labels: expected at most 64',
    ],
    ['no valid image', resource({ image: 'Proj/Img' }), 'spec.image is not the name of an image: its name'],
    ['no image', resource({ image: undefined }), 'spec.image must name an image'],
    ['a fan-in without a valid image', resource({ fanIn: { image: 'a:b:c' } }), 'spec.fanIn.image is not the name'],
    ['a fan-in without an image', resource({ fanIn: {} }), 'spec.fanIn.image must name an image'],
    ['a mount below the outputs', resource({ mountFiles: { [FILE]: 'outputs/0/r.txt' } }), 'Names below outputs/'],
    ['a mount called outputs', resource({ mountFiles: { [FILE]: 'outputs' } }), 'Names below outputs/'],
    [
      'a mount above',
      resource({ mountFiles: { [FILE]: 'a/../../b' } }),
      `spec.mountFiles "${FILE}": Input should be a`,
    ],
    ['two mounts of one name', resource({ mountFiles: { a: 'x', b: 'x' } }), '"x" stands for two'],
    ['one file twice', resource({ mountFiles: { [FILE]: 'x', [FILE.toUpperCase()]: 'y' } }), 'named twice'],
    ['too many mounts', resource({ mountFiles: numbered(1001, String) }), 'at most 1000 files'],
    ['too many variables', resource({ env: numbered(1001, String) }), 'at most 1000 variables'],
    [
      'too long a variable',
      resource({ env: { A: 'x'.repeat(32_769) } }),
      'spec.env "A": Input should have at most 32768',
    ],
    ['too large an environment', resource({ env: numbered(9, () => 'x'.repeat(32_000)) }), 'at most 262144 bytes'],
    [
      'too large an environment of a fan-in',
      resource({ fanIn: { image: 'a:1', env: numbered(1001, String) } }),
      'spec.fanIn.env',
    ],
    ['too long a description', resource({ description: 'x'.repeat(10_001) }), 'spec.description: it has more than'],
    ['too many replications', resource({ reps: 101 }), 'spec.reps: expected 1 to 100'],
    ['too wide a Job', resource({ parallelism: 101 }), 'spec.parallelism: expected 1 to 100'],
    ['a variable of Serving', resource({ jobType: 'persistent', env: { K_SERVICE: 'x' } }), 'K_SERVICE is given'],
  ])('%s', (_, read, reason) => expect(reasonOf(read)).toContain(reason))
})

test('ids of files are read in small letters', () => {
  expect(readSpec(resource({ mountFiles: { [FILE.toUpperCase()]: 'in.csv' } })).mountFiles).toEqual({
    [FILE]: 'in.csv',
  })
})

test.each([
  ['names', { mountFiles: numbered(62_000, (n) => `name-${Math.min(n, 61_998)}`) }],
  ['variables', { env: numbered(62_000, String) }],
  ['a description', { description: 'x'.repeat(1_500_000) }],
  ['an image', { image: `${'a-'.repeat(700_000)}:` }],
])('refusing 1.5 MB of %s takes no time', (_, fields) => {
  const read = resource(fields)
  const begun = performance.now()
  expect(reasonOf(read)).not.toBe('')
  expect(performance.now() - begun).toBeLessThan(200)
})

describe('names clash', () => {
  test.each([
    [['a', 'b'], undefined],
    [['a', 'a'], 'a'],
    [['a', 'a/b'], 'a'],
    [['a/b', 'a-b', 'a'], 'a'],
    [['a', 'a-b/c', 'a.b'], undefined],
    [['a/b/c', 'a/b', 'z'], 'a/b'],
    [['x/a', 'x/b', 'x'], 'x'],
  ])('%j: %s', (names, clash) => expect(clashingName(names)).toBe(clash))

  test('64,000 names are compared in a fraction of a second', () => {
    const names = Array.from({ length: 64_000 }, (_, n) => `folder/name-${String(n).padStart(6, '0')}`)
    const begun = performance.now()
    expect(clashingName([...names, names.at(-1) ?? ''])).toBe(names.at(-1))
    expect(performance.now() - begun).toBeLessThan(500)
  })
})

describe('an image reference', () => {
  test.each([
    'img',
    'img:latest',
    'proj/img:1.0',
    'localhost/img',
    'localhost:5000/img',
    'registry.example:5000/a/b/c:v1',
    'Registry.Example/img:1',
    '[fd00::1]:5000/img:1',
    `repo@sha256:${HEX}`,
    `repo:1@sha256:${HEX}`,
    'a__b/c--d.e_f:_tag',
    `img:${'t'.repeat(128)}`,
  ])('%s is one', (text) => expect(imageFault(text)).toBeUndefined())

  test.each([
    '',
    ':',
    'img:',
    'img: 1',
    ' img',
    'img ',
    'Img',
    'Proj/Img',
    'proj/Img',
    'img:1.0+build',
    'img:-1',
    'img:1:2',
    `img:${'t'.repeat(129)}`,
    `repo@sha256:${HEX}:1`,
    `repo@sha256:${'a'.repeat(63)}`,
    `repo@sha256:${'A'.repeat(64)}`,
    'repo@',
    `repo@sha256:${HEX}@sha256:${HEX}`,
    'a//b',
    '/a',
    'a/',
    'a..b',
    'a___b',
    '-a',
    'host:port/img',
    '-host.example/img',
    '[a]/img',
    '[a]:5000/img',
    'a_b.example/img',
    'https://host/img',
    HEX,
    'img\n',
    'a b',
    `${'a'.repeat(256)}`,
    'img:1\0',
  ])('%j is none', (text) => expect(imageFault(text)).toBeTypeOf('string'))
})

describe('the CRD has the same bounds', () => {
  interface Schema {
    readonly properties: Readonly<Record<string, Schema>>
    readonly additionalProperties: Schema
    readonly maxLength?: number
    readonly maxProperties?: number
    readonly minimum?: number
    readonly maximum?: number
    readonly 'x-kubernetes-validations'?: readonly { readonly rule: string }[]
  }
  const file = new URL('../../../knative/config/crd/analytics.yaml', import.meta.url)
  const crd = parse(readFileSync(file, 'utf8')) as {
    readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
  }
  const of = (...path: string[]) =>
    path.reduce<Schema | undefined>(
      (schema, name) => schema?.properties[name],
      crd.spec.versions[0]?.schema.openAPIV3Schema,
    )
  const rules = (schema: Schema | undefined) =>
    (schema?.['x-kubernetes-validations'] ?? []).map(({ rule }) => rule).join('\n')

  test.each(Object.entries(RANGES))('%s', (name, [min, max]) => {
    expect(of('spec', name)).toMatchObject({ minimum: min, maximum: max })
  })

  test.each([
    [['image'], BOUNDS.image],
    [['fanIn', 'image'], BOUNDS.image],
    [['description'], BOUNDS.description],
    [['displayName'], BOUNDS.displayName],
    [['schedule'], BOUNDS.schedule],
  ])('%j', (path, most) => expect(of('spec', ...path)?.maxLength).toBe(most))

  test.each([[['env']], [['fanIn', 'env']]])('%j', (path) => {
    const env = of('spec', ...path)
    expect(env?.maxProperties).toBe(BOUNDS.variables)
    expect(env?.additionalProperties.maxLength).toBe(BOUNDS.variableValue)
    expect(rules(env)).toContain(`size(name) <= ${BOUNDS.variableName}`)
    expect(rules(env)).toContain(`<= ${BOUNDS.environmentBytes}`)
  })

  test('mountFiles', () => {
    const mounts = of('spec', 'mountFiles')
    expect(mounts?.maxProperties).toBe(BOUNDS.mounts)
    expect(mounts?.additionalProperties.maxLength).toBe(BOUNDS.inputName)
    expect(rules(mounts)).toContain(`size(id) <= ${BOUNDS.fileId}`)
    expect(rules(mounts)).toContain("startsWith('outputs/')")
  })
})
