/** The first half of the seeds. */
import { everySeedKeepsItsPromises, RUN_SEEDS } from './seeds.ts'

everySeedKeepsItsPromises(1, RUN_SEEDS / 2)
