/** The Hub suite on the stand-in, plainly and with filters that it ignores. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createHub } from '../../../../shared/adapters/hub/index.ts'
import { hubConformance } from '../../../conformance/hub.ts'
import { type HubSandbox, startHub } from '../../../sandbox/hub.ts'

describe.each([
  ['the stand-in', []],
  ['a stand-in that ignores our filters', ['clientId', 'analysisId', 'nodeId']],
])('%s', (name, ignoreFilters) => {
  let sandbox: HubSandbox
  beforeAll(async () => {
    sandbox = await startHub({ ignoreFilters })
  })
  afterAll(() => sandbox.stop())

  hubConformance(name, () => ({
    hub: () => createHub(sandbox),
    register: sandbox.register,
    setStatus: sandbox.setStatus,
    told: sandbox.told,
  }))
})
