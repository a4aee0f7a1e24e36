/** The second half of the seeds. */
import { everySeedKeepsItsPromises, RUN_SEEDS } from './seeds.ts'

everySeedKeepsItsPromises(RUN_SEEDS / 2 + 1, RUN_SEEDS)
