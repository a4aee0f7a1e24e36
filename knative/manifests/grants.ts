/** What a function may do in Kubernetes, in one line for people. */
import type { Route } from '../../shared/routes/index.ts'

export const grantsOf = ({ kubernetes }: Route): string =>
  kubernetes.map(({ resources, verbs }) => `${resources.join(', ')}: ${verbs.join(' ')}`).join('; ') || '–'
