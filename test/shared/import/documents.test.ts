/** What each document of the orchestrator of before becomes, every oddity that it was known to write included. */
import { describe, expect, test } from 'vitest'
import { type Document, readFile, readService, Unreadable } from '../../../shared/import/documents.ts'

const ID = '669a52d1364a1b751c550d56'
const FILE = '669a4eee364a1b751c550b02'
const SERVICE: Document = {
  _id: ID,
  image: 'ghcr.io/cam-digital-hospitals/digital-hosp-des',
  version: 'latest',
  description: 'simulates',
  mount_files: { [FILE]: 'input.xlsx' },
  reps: 2,
  env: { SIM_HOURS: '1176', NUM_REPS: '2' },
  created_at: 1721389777.25,
  output_files: { '669a52e0364a1b751c550d60': 'a.json', '669a52e0364a1b751c550d5f': 'b.json' },
}

test('a service is taken with all that was kept of it, in its order', () => {
  const { taken, notes } = readService(SERVICE)
  expect(notes).toEqual([])
  expect(taken).toMatchObject({
    id: ID,
    createdAt: new Date(1721389777250),
    spec: {
      image: 'ghcr.io/cam-digital-hospitals/digital-hosp-des:latest',
      description: 'simulates',
      jobType: 'ondemand',
      reps: 2,
      env: { SIM_HOURS: '1176', NUM_REPS: '2' },
      mountFiles: { [FILE]: 'input.xlsx' },
    },
    outputs: [
      { fileId: '669a52e0364a1b751c550d60', filename: 'a.json' },
      { fileId: '669a52e0364a1b751c550d5f', filename: 'b.json' },
    ],
  })
})

describe('a service', () => {
  test.each<[string, Document, object, RegExp[]]>([
    ['without replications was a server', { reps: null }, { spec: { jobType: 'persistent', reps: null } }, []],
    ['whose outputs were never looked for has none', { output_files: undefined }, { outputs: [] }, []],
    ['may have nulls', { mount_files: null, env: null }, { spec: { mountFiles: {}, env: {} } }, []],
    ['without a version has its image as it is', { version: '' }, { spec: { image: SERVICE['image'] } }, []],
    ['without a time has that of its id', { created_at: null }, { createdAt: new Date(0x669a52d1 * 1000) }, []],
    ['with a date as its time', { created_at: new Date(5000) }, { createdAt: new Date(5000) }, []],
    ['with numbers as variables', { env: { A: 1, B: true } }, { spec: { env: { A: '1', B: 'true' } } }, []],
    ['with objects as variables', { env: { A: {}, B: 'b' } }, { spec: { env: { B: 'b' } } }, [/env\.A is no text/]],
    ['with a list as variables', { env: [] }, { spec: { env: {} } }, [/env is no object/]],
    ['with half a replication', { reps: 1.5 }, { spec: { reps: null } }, [/reps is no whole number/]],
    ['with fields that nobody knows', { status: 'x', a: 1 }, { id: ID }, [/^left out: a, status$/]],
    [
      'that mounts outside of its folder',
      { mount_files: { [FILE]: '../../etc/passwd' } },
      { spec: { mountFiles: {} } },
      [/mount_files\.669a4eee364a1b751c550b02 is left out: "\.\.\/\.\.\/etc\/passwd"/],
    ],
  ])('%s', (_, changes, expected, notes) => {
    const read = readService({ ...SERVICE, ...changes })
    expect(read.taken).toMatchObject(expected)
    expect(read.notes).toEqual(notes.map((note) => expect.stringMatching(note)))
  })

  test.each<[string, Document, RegExp]>([
    ['whose id is text of its own', { _id: 'my-service' }, /no ObjectId/],
    ['whose id is a number', { _id: 7 }, /no ObjectId/],
    ['without an image', { image: '' }, /no image/],
    ['with two files of one name', { mount_files: { a: 'x', b: 'x' } }, /"x" stands for two files/],
  ])('%s is refused', (_, changes, why) => {
    const read = () => readService({ ...SERVICE, ...changes })
    expect(read).toThrow(Unreadable)
    expect(read).toThrow(why)
  })
})

const HASH = 'D41D8CD98F00B204E9800998ECF8427E'
const STORED: Document = {
  _id: FILE,
  filename: 'input.xlsx',
  length: 0,
  chunkSize: 261_120,
  uploadDate: new Date(1721389000000),
  metadata: { hash: HASH },
}

describe('a file', () => {
  test.each<[string, Document, object, number]>([
    ['is taken as it was kept', {}, { id: FILE, filename: 'input.xlsx', length: 0, md5: HASH.toLowerCase() }, 0],
    ['of an older driver has its MD5 itself', { metadata: null, md5: HASH }, { md5: HASH.toLowerCase() }, 0],
    ['without an MD5 says so', { metadata: {} }, { md5: null }, 1],
    ['without a name is named by its id', { filename: null }, { filename: FILE }, 0],
    ['without a date has that of its id', { uploadDate: null }, { uploadedAt: new Date(0x669a4eee * 1000) }, 0],
  ])('%s', (_, changes, expected, notes) => {
    const read = readFile({ ...STORED, ...changes })
    expect(read.taken).toMatchObject(expected)
    expect(read.notes).toHaveLength(notes)
  })

  test.each<[string, Document]>([
    ['whose id is no ObjectId', { _id: 'x' }],
    ['without a length', { length: null }],
    ['of less than nothing', { length: -1 }],
  ])('%s is refused', (_, changes) => {
    expect(() => readFile({ ...STORED, ...changes })).toThrow(Unreadable)
  })
})
