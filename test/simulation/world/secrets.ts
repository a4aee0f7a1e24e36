/** Every secret of the simulated world contains a marker, so that it can be detected anywhere. */

export const SECRET = 'hush-hush-'
const CODED = Buffer.from(SECRET).toString('base64').slice(0, 12)

/** Whether the text contains a secret, plain or encoded as in a Secret. */
export const holdsSecret = (text: string): boolean => text.includes(SECRET) || text.includes(CODED)
