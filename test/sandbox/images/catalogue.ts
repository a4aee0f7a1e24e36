/** The sandbox's image registry: which local process stands for which image. */
import { fileURLToPath } from 'node:url'
import { MISBEHAVIOURS } from './misbehave.ts'

export interface SandboxImage {
  /** Run by Node as it is. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
}

const image = (name: string, env: Readonly<Record<string, string>> = {}): SandboxImage => ({
  file: fileURLToPath(new URL(name, import.meta.url)),
  env: { HOST: '127.0.0.1', ...env },
})

/** By name, without registry: `sandbox/mean:1`, `sandbox/stuck:1`, … */
export const sandboxImages: Readonly<Record<string, SandboxImage>> = {
  'sandbox/mean:1': image('mean.ts'),
  'sandbox/mean-slow:1': image('mean.ts', { ROUNDS: '15', ROUND_MS: '1000' }),
  'sandbox/mean-fast:1': image('mean.ts', { ROUNDS: '3', ROUND_MS: '50' }),
  ...Object.fromEntries(
    Object.keys(MISBEHAVIOURS).map((kind) => [`sandbox/${kind}:1`, image('misbehave.ts', { MISBEHAVIOUR: kind })]),
  ),
}

/** The image a container asks for, with or without a registry in front of its name. */
export const findSandboxImage = (reference: string): SandboxImage | undefined =>
  sandboxImages[/(?:^|\/)(sandbox\/[^/]+)$/.exec(reference)?.[1] ?? '']
