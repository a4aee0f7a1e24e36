/** Runs `make` and other programs as an operator does, and captures their output. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Printed {
  readonly code: number
  /** Both streams, interleaved. */
  readonly lines: readonly string[]
  readonly stdout: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly onLine?: (line: string) => void
}

/** Runs a program in the root of the repository, with any exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Printed> {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...options.env }, stdio: 'pipe' })
  const lines: string[] = []
  let stdout = ''
  const note = (line: string) => {
    lines.push(line)
    options.onLine?.(line)
  }
  createInterface({ input: child.stderr }).on('line', note)
  createInterface({ input: child.stdout }).on('line', note)
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stdin.end(options.input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, lines, stdout }
}

/** @throws with all output if it fails */
export async function succeed(command: string, args: readonly string[], options: RunOptions = {}): Promise<Printed> {
  const printed = await run(command, args, options)
  if (printed.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${printed.code}\n${printed.lines.join('\n')}`)
  return printed
}
