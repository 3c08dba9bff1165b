'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout: after } = require('node:timers/promises')
const { Registry } = require('prom-client')
const { observeMetrics } = require('../../opentelemetry')
const { collectMetrics } = require('../../prometheus')
const { watch } = require('../../watch')
const { collectBlocks, isIn, spin } = require('../support/blocks')
const { collector, scrape } = require('../support/metrics')

test('the statistics of a watched loop are exported until it is stopped', async t => {
  const { next } = collectBlocks(t)
  const stop = watch({ threshold: 20 })
  t.after(stop)
  await after(10)
  ;(function blocks() {
    spin(120)
  })()
  const { cause } = await next(block => isIn(block, 'blocks'))
  const register = new Registry()
  collectMetrics({ loops: { main: stop }, register })
  const { values } = await scrape(register)
  const of = (/** @type {string} */ name, labels = '') => values.get(`offloop_${name}{loop='main'${labels}}`) ?? -1
  assert.ok(of('loop_block_seconds_count', `,cause='${cause}'`) >= 1)
  assert.ok(of('loop_block_seconds_sum', `,cause='${cause}'`) >= 0.115)
  assert.ok(of('loop_hold_seconds', ",quantile='1'") >= 0.115)
  assert.ok(of('loop_delay_seconds', ",quantile='1'") >= 0.115)
  assert.ok(of('loop_utilization_ratio') > 0 && of('loop_utilization_ratio') <= 1)
  for (const name of ['loop_starved_seconds_total', 'gc_time_seconds_total']) assert.ok(of(name) >= 0, name)
  assert.ok(of('watch_ticks_total') >= 1)

  const { meterProvider, collect } = collector()
  observeMetrics({ loops: { main: stop }, meterProvider })
  const observed = [...(await collect()).values.keys()]
  assert.ok(
    observed.some(key => key.startsWith('offloop.loop.hold') && key.includes('offloop.loop.name')),
    `${observed}`
  )
  assert.ok(
    observed.some(key => key.includes('offloop.loop.block.cause')),
    `${observed}`
  )

  stop()
  assert.equal((await scrape(register)).values.size, 0)
})

test('only a watch is accepted', () => {
  const message = /"options\.loops\.a" property must be a function that watch\(\) returned\. Received function f/
  const loops = { a: /** @type {any} */ (function f() {}) }
  assert.throws(() => collectMetrics({ loops, register: new Registry() }), { code: 'ERR_INVALID_ARG_TYPE', message })
})
