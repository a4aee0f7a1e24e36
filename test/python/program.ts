/** The Python of the tests that use packages of `requirements.txt`. */

/**
 * Undefined without TEST_PYTHON: the tests are skipped, and say so; in CI that is an error.
 * @param untested what is not tested then
 */
export function findPython(untested: string): string | undefined {
  const program = process.env['TEST_PYTHON']
  if (program) return program
  const message = `no TEST_PYTHON: ${untested}; see test/python/requirements.in`
  if (process.env['CI']) throw new Error(message)
  process.stderr.write(`SKIPPED: ${message}\n`)
  return undefined
}
