/** The second half of the seeds. */
import { everySeedKeepsItsPromises, SEEDS } from './seeds.ts'

everySeedKeepsItsPromises(SEEDS / 2 + 1, SEEDS)
