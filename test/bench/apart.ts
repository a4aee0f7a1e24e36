/**
 * Runs parts of a measurement as separate processes, so that none waits for the event loop of another. A part exits with its
 * parent. It sends one message when it is ready, then answers questions in order.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Apart<Ready, Question, Answer> {
  readonly pid: number
  readonly ready: Ready
  ask(question: Question): Promise<Answer>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** @param file beside this one */
export async function startApart<Ready, Question = never, Answer = never>(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Apart<Ready, Question, Answer>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, { env: { PATH: process.env['PATH'], ...env }, serialization: 'advanced' })
  const exited = once(child, 'exit')
  const next = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]): never => {
        throw new Error(`${file} ended with ${code}`)
      }),
    ])
    return message
  }
  const ready: Ready = await next()
  let last: Promise<unknown> = Promise.resolve()
  const stop = async () => {
    if (child.connected) child.disconnect()
    await exited
  }
  return {
    pid: child.pid ?? 0,
    ready,
    ask(question) {
      const answer = last.then(() => {
        child.send(question as object)
        return next()
      })
      last = answer.catch(() => {})
      return answer
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The child's side. */
export function serveApart<Question, Answer>(ready: unknown, answer: (question: Question) => Answer): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', (question) => process.send?.(answer(question as Question)))
  process.send?.(ready)
}
