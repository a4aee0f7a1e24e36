import { expect, vi } from 'vitest'

type Polled = ReturnType<typeof expect.poll>

/** `expect.poll` for tests that run side by side: it does not ask which of them it is called in. Has no `not`. */
export const poll = <T>(read: () => T | Promise<T>, options: { timeout: number; interval: number }): Polled =>
  new Proxy({} as Polled, {
    get:
      (_, matcher) =>
      (...expected: unknown[]) =>
        vi.waitFor(async () => {
          const assertion = expect(await read()) as unknown as Record<PropertyKey, (...of: unknown[]) => void>
          assertion[matcher]?.(...expected)
        }, options),
  })
