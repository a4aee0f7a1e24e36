/**
 * The variables that a child process inherits: PATH, and Node's compile cache, with which a function starts in half the CPU time.
 * Everything else is passed explicitly.
 */
const INHERITED = ['PATH', 'NODE_COMPILE_CACHE'] as const

export const inherited = (): Record<string, string> =>
  Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
