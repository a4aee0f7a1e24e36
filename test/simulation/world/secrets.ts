/** Every secret of the simulated world bears a mark, so that it is known wherever it turns up. */

export const SECRET = 'hush-hush-'
const CODED = Buffer.from(SECRET).toString('base64').slice(0, 12)

/** True when a secret stands in this text, plain or as a Secret's entry. */
export const holdsSecret = (text: string): boolean => text.includes(SECRET) || text.includes(CODED)
