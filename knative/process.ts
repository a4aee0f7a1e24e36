/** How the processes of the image use memory: flags of Node, and what the C library of the status loop is told. */
import type { Route } from '../shared/routes.ts'

/**
 * How Node is to run a function. V8 lets the space of young objects grow to 3 × 16 MiB before it cleans up harder; our
 * requests are small and many functions share a node: `create` holds 117 instead of 134 MiB after 100 requests.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * How the C library of the status loop is to keep memory. Node reads sockets into 64 KiB pieces that live for a moment, and
 * glibc by default keeps their places in an arena per thread. It costs a start 10 ms: the others go without.
 */
export const memoryEnvironment = ({ trigger }: Route): Readonly<Record<string, string>> =>
  trigger === 'event'
    ? { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }
    : {}
