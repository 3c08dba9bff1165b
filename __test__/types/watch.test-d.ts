import fastify from 'fastify'
import { expectAssignable, expectError, expectType } from 'tsd'
import offloop from '../../fastify'
import { collectMetrics } from '../../prometheus'
import { type Block, type Frame, type Watch, type WatchStats, watch } from '../../watch'

const stop = watch()
expectType<Watch>(stop)
expectType<void>(stop())
watch({ threshold: 50, fatal: Infinity, fatalExit: true, maxPerMinute: Infinity, maxPerStack: 0 })
watch({ threshold: undefined, onBlock: undefined })
expectError(watch({ treshold: 50 }))
expectError(watch({ threshold: '50' }))

watch({
  onBlock(block) {
    expectType<Block>(block)
    expectType<Frame[]>(block.samples[0].frames)
    expectType<string | undefined>(block.systemCall)
    expectAssignable<'exact' | 'likely' | undefined>(block.request?.certainty)
  }
})

expectType<number>(stop.expect(() => 5))
expectType<Promise<string>>(stop.expect(async () => 'a'))
expectType<WatchStats | undefined>(stop.stats())
expectType<boolean>(stop.capabilities.stacks)

collectMetrics({ loops: { main: stop } })
expectError(collectMetrics({ loops: { main: () => {} } }))
fastify().register(offloop, { watch: true })
fastify().register(offloop, { watch: { threshold: 50 } })
expectError(fastify().register(offloop, { watch: { threshold: 'a' } }))
