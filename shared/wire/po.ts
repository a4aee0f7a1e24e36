/**
 * Ports of functions of the pod orchestration.
 *
 *     wirePo(routes.po.status, store)   // () => ports with `store`, clock, log and settings
 */
import { wireWith } from './context.ts'
import { poSettings } from './settings.ts'

export const wirePo = wireWith(poSettings)
