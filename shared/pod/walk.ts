/** Finds the plain files below `/output`. Follows no link and opens nothing that could block. */
import { constants, type Dirent } from 'node:fs'
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises'

export interface Found {
  /** Relative to the root; bytes that are not UTF-8 are written as `%XX`. */
  readonly path: string
  readonly at: Buffer
}

export interface FoundFile extends Found {
  /** Apparent size: a sparse file uses less of the disk. */
  readonly length: number
  /** The same for all names of one file. */
  readonly inode: string
}

interface Walk {
  /** By path. */
  readonly files: readonly FoundFile[]
  /** What was skipped, and why. */
  readonly notes: readonly string[]
}

interface WalkLimits {
  readonly files: number
  /** Of all files together, each name of a file counted. */
  readonly bytes: number
}

/** Of all notes, in characters: one request sends them. */
const NOTES_LENGTH = 256 * 1024
/** Limit of folders, including empty ones, per file of the limit of files. */
const FOLDERS_PER_FILE = 10

const SLASH = Buffer.from('/')
const joined = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name])

/** `toString` puts a sign of its own for each byte that is no text. */
function readable(name: Buffer): string {
  const text = name.toString('utf8')
  if (Buffer.from(text).equals(name)) return text
  return [...name].map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : escaped(byte))).join('')
}
const escaped = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

const KINDS = [
  ['isSymbolicLink', 'a symbolic link'],
  ['isFIFO', 'a pipe'],
  ['isSocket', 'a socket'],
  ['isBlockDevice', 'a device'],
  ['isCharacterDevice', 'a device'],
] as const

type Entry = Dirent<Buffer>

const kindOf = (entry: Entry): string => KINDS.find(([is]) => entry[is]())?.[1] ?? 'neither file nor directory'

/** Collects notes up to a limit, and counts the rest. */
function createNotes() {
  const notes: string[] = []
  let [length, left] = [0, 0]
  return {
    add(note: string): void {
      length += note.length
      if (length <= NOTES_LENGTH) notes.push(note)
      else left += 1
    },
    all: (): string[] => (left > 0 ? [...notes, `and ${left} more that were not sent`] : notes),
  }
}

function assertBelow(count: number, limit: number, what: string): void {
  if (count > limit) throw new Error(`a run may leave ${limit} ${what}, and there are more`)
}

/** Entry by entry: a folder may have millions. */
async function* entriesOf({ at, path }: Found): AsyncGenerator<{ entry: Entry; found: Found }> {
  for await (const each of await opendir(at as never, { encoding: 'buffer' as never })) {
    const entry = each as unknown as Entry
    const name = readable(entry.name)
    yield { entry, found: { path: path ? `${path}/${name}` : name, at: joined(at, entry.name) } }
  }
}

async function describeFile(found: Found): Promise<FoundFile> {
  const { size, dev, ino } = await lstat(found.at, { bigint: true })
  return { ...found, length: Number(size), inode: `${dev}:${ino}` }
}

/**
 * Walks below `root`. The image that filled it does not decide how much memory that takes.
 * @throws when there is more than may be left, with the limit in its message
 */
export async function walk(root: string, limits: WalkLimits): Promise<Walk> {
  const files: FoundFile[] = []
  const notes = createNotes()
  const seen = { bytes: 0, folders: 0 }
  const folders: Found[] = [{ path: '', at: Buffer.from(root) }]
  for (let folder = folders.pop(); folder; folder = folders.pop())
    for await (const { entry, found } of entriesOf(folder)) {
      if (entry.isDirectory()) {
        seen.folders += 1
        assertBelow(seen.folders, limits.files * FOLDERS_PER_FILE, 'folders')
        folders.push(found)
      } else if (entry.isFile()) {
        const file = await describeFile(found)
        files.push(file)
        seen.bytes += file.length
        assertBelow(files.length, limits.files, 'files (DT_OUTPUT_FILES)')
        assertBelow(seen.bytes, limits.bytes, 'bytes (DT_OUTPUT_LIMIT)')
      } else notes.add(`${found.path}: not sent, it is ${kindOf(entry)}`)
    }
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), notes: notes.all() }
}

/** @throws when it is no plain file any more */
export async function openPlain({ at, path }: Found): Promise<{ handle: FileHandle; length: number }> {
  const handle = await open(at as never, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stats = await handle.stat()
  if (stats.isFile()) return { handle, length: stats.size }
  await handle.close()
  throw new Error(`${path} is no plain file any more`)
}
