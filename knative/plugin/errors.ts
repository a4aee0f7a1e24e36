/** Expected errors of a command. Both are printed as one line without a stack. */

/** The service refused the request or cannot be reached: exit code 1. */
export class CommandError extends Error {
  /** `--follow` retries a transient error. */
  readonly transient: boolean

  constructor(message: string, options: { readonly cause?: unknown; readonly transient?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.transient = options.transient ?? false
  }
}

/** Invalid arguments or environment: exit code 2. */
export class UsageError extends Error {}
