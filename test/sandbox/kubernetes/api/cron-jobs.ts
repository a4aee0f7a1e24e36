/** CronJobs: what is refused, and the Jobs they make. */
import { describe, expect, test } from 'vitest'
import { poll } from '../../../poll.ts'
import { type ApiBody, MERGE, type Verbs } from './target.ts'

const CRON_JOBS = 'apis/batch/v1/cronjobs'
const JOBS = 'apis/batch/v1/jobs'
const MINUTE = 60_000
/** A minute begins within a minute. */
const NEXT_MINUTE = { timeout: 70_000, interval: 200 }

const cronJob = (name: string, more: object = {}, image = 'example.invalid/none:1', script = 'true') => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name },
  spec: {
    schedule: '* * * * *',
    timeZone: 'Etc/UTC',
    jobTemplate: {
      metadata: { labels: { made: 'yes' } },
      spec: {
        template: {
          spec: { restartPolicy: 'Never', containers: [{ name: 'main', image, command: ['sh', '-c', script] }] },
        },
      },
    },
    ...more,
  },
})

export function cronJobRefusals({ create }: Verbs): void {
  describe('CronJobs', () => {
    test('have defaults', async () => {
      const { body } = await create(CRON_JOBS, cronJob('filled', { suspend: true }))
      expect(body.spec).toMatchObject({
        concurrencyPolicy: 'Allow',
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      })
    })

    test.each(['3/5 * * * *', '*/90 * * * *', '1,2,3/2 * * * *', '0 0 1-31/40 * *', '@daily', '0 0 * jan SUN'])(
      'with the schedule %s are taken',
      async (schedule) => {
        const name = `taken-${Buffer.from(schedule).toString('hex').slice(0, 40)}`
        expect(await create(CRON_JOBS, cronJob(name, { schedule, suspend: true }))).toMatchObject({
          status: 201,
          body: { spec: { schedule } },
        })
      },
    )

    test.each<[string, object, string]>([
      ['day 7 of a week', cronJob('refused', { schedule: '* * * * 7' }), 'spec.schedule'],
      ['a step of nothing', cronJob('refused', { schedule: '*/0 * * * *' }), 'spec.schedule'],
      ['a range that ends before it begins', cronJob('refused', { schedule: '7-5 * * * *' }), 'spec.schedule'],
      ['a time zone in the schedule', cronJob('refused', { schedule: 'TZ=UTC * * * * *' }), 'spec.schedule'],
      ['a schedule that is none', cronJob('refused', { schedule: 'now and then' }), 'spec.schedule'],
      ['a name too long for its Jobs', cronJob('a'.repeat(53)), 'metadata.name'],
    ])('%s is refused', async (_, body, field) => {
      expect(await create(CRON_JOBS, body)).toMatchObject({
        status: 422,
        body: { details: { causes: expect.arrayContaining([expect.objectContaining({ field })]) } },
      })
    })
  })
}

export function cronJobRuns({ send, create, read }: Verbs, image: string): void {
  const jobsOf = async (cron: ApiBody): Promise<readonly ApiBody[]> =>
    (await send('GET', JOBS)).body.items.filter(({ metadata }) =>
      (metadata.ownerReferences as { uid: string }[] | undefined)?.some(({ uid }) => uid === cron.metadata.uid),
    )

  describe.concurrent('runs of CronJobs', { timeout: 100_000 }, () => {
    test('when a minute begins there is a Job of that minute; its labels are those of the template', async () => {
      const cron = (await create(CRON_JOBS, cronJob('each', {}, image))).body
      await create(CRON_JOBS, cronJob('asleep', { suspend: true }, image))
      await poll(async () => (await jobsOf(cron)).length, NEXT_MINUTE).toBeGreaterThan(0)
      const [job] = await jobsOf(cron)
      const annotations = (job?.metadata as { annotations?: Record<string, string> } | undefined)?.annotations
      const scheduledAt = annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? ''
      expect(scheduledAt).toMatch(/:00Z$/)
      expect(job?.metadata).toMatchObject({
        name: `each-${Date.parse(scheduledAt) / MINUTE}`,
        labels: { made: 'yes' },
        ownerReferences: [{ kind: 'CronJob', controller: true }],
      })
      const status = async () => (await read(CRON_JOBS, 'each'))['status']
      await poll(status, NEXT_MINUTE).toHaveProperty('lastScheduleTime', expect.stringMatching(/:00Z$/))
      await poll(status, NEXT_MINUTE).toHaveProperty('lastSuccessfulTime')
      await send('PATCH', `${CRON_JOBS}/each`, { spec: { suspend: true } }, { type: MERGE })
      const asleep = await read(CRON_JOBS, 'asleep')
      expect(await jobsOf(asleep)).toEqual([])
    })
  })
}
