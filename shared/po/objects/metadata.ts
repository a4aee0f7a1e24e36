import type { Labels } from '../../platform/objects.ts'
import type { RunNumber } from '../model.ts'
import { COMPONENT, LABEL } from '../names.ts'
import type { RunInput } from './input.ts'

/** Converts a text to a valid label value, which may be empty. */
export const labelValue = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '')

export function runLabels(input: RunInput, run: RunNumber = input.run): Labels {
  const node = labelValue(input.settings.node)
  return {
    [LABEL.analysis]: input.id,
    [LABEL.run]: String(run),
    [LABEL.project]: input.projectId,
    ...(node ? { [LABEL.node]: node } : {}),
  }
}

export const componentLabels = (input: RunInput, component: keyof typeof COMPONENT, run?: RunNumber): Labels => ({
  component: COMPONENT[component],
  ...runLabels(input, run),
})
