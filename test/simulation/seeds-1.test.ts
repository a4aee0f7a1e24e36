/** The first half of the seeds. */
import { everySeedKeepsItsPromises, SEEDS } from './seeds.ts'

everySeedKeepsItsPromises(1, SEEDS / 2)
