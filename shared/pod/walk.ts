/** What lies below `/output`: plain files only. No link is followed, and nothing is opened that could wait for somebody. */
import { constants, type Dirent } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'

export interface Found {
  /** Relative to where the walk began; what is no UTF-8 in a name is written as `%XX`. */
  readonly path: string
  readonly at: Buffer
}

export interface Walk {
  /** By path. */
  readonly files: readonly Found[]
  /** What was passed over, and why. */
  readonly notes: readonly string[]
}

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

const kindOf = (entry: Dirent<Buffer>): string => KINDS.find(([is]) => entry[is]())?.[1] ?? 'neither file nor directory'

export async function walk(root: string): Promise<Walk> {
  const files: Found[] = []
  const notes: string[] = []
  const folders: Found[] = [{ path: '', at: Buffer.from(root) }]
  const put = (entry: Dirent<Buffer>, found: Found): unknown => {
    if (entry.isDirectory()) return folders.push(found)
    if (entry.isFile()) return files.push(found)
    return notes.push(`${found.path}: not sent, it is ${kindOf(entry)}`)
  }
  for (let folder = folders.pop(); folder; folder = folders.pop())
    for (const entry of await readdir(folder.at, { withFileTypes: true, encoding: 'buffer' })) {
      const name = readable(entry.name)
      put(entry, { path: folder.path ? `${folder.path}/${name}` : name, at: joined(folder.at, entry.name) })
    }
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), notes }
}

/** @throws when it is no plain file any more */
export async function openPlain({ at, path }: Found): Promise<{ handle: FileHandle; length: number }> {
  const handle = await open(at as never, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stats = await handle.stat()
  if (stats.isFile()) return { handle, length: stats.size }
  await handle.close()
  throw new Error(`${path} is no plain file any more`)
}
