/** Create bodies of two analyses, written beside the sandbox for scripts and for the commands it prints. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KONG_TOKEN } from './peers.ts'

export interface ExampleFiles {
  /** Reads a data file, computes for a quarter of a minute, so that one can watch, and stores its result. */
  readonly example: string
  /** Says that it is stuck, and is restarted. */
  readonly stuck: string
}

export const createBody = (image: string, id: string = randomUUID()) => ({
  analysis_id: id,
  project_id: randomUUID(),
  registry_url: 'registry.example',
  image_url: image,
  registry_user: 'robot',
  registry_password: 'not-used-in-the-sandbox',
  kong_token: KONG_TOKEN,
})

export async function writeExamples(folder: string): Promise<ExampleFiles> {
  const files = { example: join(folder, 'example.json'), stuck: join(folder, 'example-stuck.json') }
  await writeFile(files.example, `${JSON.stringify(createBody('sandbox/mean-slow:1'), null, 2)}\n`)
  await writeFile(files.stuck, `${JSON.stringify(createBody('sandbox/stuck:1'), null, 2)}\n`)
  return files
}
