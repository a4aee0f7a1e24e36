/** Why a command ends without having done what it was asked to. Either is said as one line, never with a stack. */

/** The service refused, or was not to be reached: exit code 1. */
export class Refused extends Error {
  /** It may be over soon: whoever follows goes on. */
  readonly passing: boolean

  constructor(message: string, options: { readonly cause?: unknown; readonly passing?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.passing = options.passing ?? false
  }
}

/** The command was called wrongly: exit code 2. */
export class Misused extends Error {}
