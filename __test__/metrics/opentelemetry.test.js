'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { metrics } = require('@opentelemetry/api')
const { Cache, Pool, transforms } = require('../..')
const { observeMetrics } = require('../../opentelemetry')
const { version } = require('../../package.json')
const { node } = require('../support/child')
const { collector } = require('../support/metrics')

const identity = transforms.identity()

test('exports the values of stats()', async () => {
  const pool = new Pool({ name: 'observed', threads: 2, maxQueue: 3 })
  const cache = new Cache({ max: 2, load: id => id })
  const sink = pool.collect(transforms.digest('md5', { encoding: 'hex' }))
  const { meterProvider, collect } = collector()
  const stop = observeMetrics({ pools: [pool], caches: { users: cache }, streams: { uploads: sink }, meterProvider })
  await pool.map(identity, Array(10).fill('x'))
  for (const id of ['a', 'a', 'b']) await cache.get(id)
  const { values, scopes } = await collect()
  assert.deepEqual(
    scopes.map(it => [it.name, it.version]),
    [['offloop', version]]
  )
  const { completed, waitTime, byTransform } = pool.stats()
  const of = (/** @type {string} */ name, more = '') =>
    values.get(`offloop.pool.${name}{offloop.pool.name=observed${more}}`)
  assert.deepEqual([of('threads'), of('queue.limit'), completed], [2, 3, 10])
  assert.equal(of('tasks', ',offloop.task.outcome=completed'), completed)
  assert.deepEqual([of('wait.count'), of('wait.time')], [10, (waitTime.mean * 10) / 1000])
  for (const part of /** @type {const} */ (['p50', 'p90', 'p99', 'max'])) {
    assert.equal(of(`wait.${part}`), waitTime[part] / 1000)
  }
  assert.equal(of('transform.tasks', ',offloop.transform.name=identity,offloop.task.outcome=failed'), 0)
  assert.equal(of('transform.run.max', ',offloop.transform.name=identity'), byTransform.identity.runTime.max / 1000)
  const named = 'offloop.cache.name=users'
  assert.equal(values.get(`offloop.cache.requests{${named},offloop.cache.result=hit}`), cache.stats().hits)
  assert.equal(values.get(`offloop.cache.requests{${named},offloop.cache.result=miss}`), cache.stats().misses)
  assert.equal(values.get(`offloop.cache.evictions{${named},offloop.cache.eviction.reason=size}`), 0)
  assert.equal(values.get(`offloop.cache.load.count{${named}}`), 2)
  assert.equal(values.get('offloop.stream.written{offloop.stream.name=uploads}'), 0)
  stop()
  sink.destroy()
  cache.close()
  await pool.close()
})

test('kinds, units and names follow the semantic conventions', async () => {
  const pool = new Pool({ name: 'kinds' })
  const cache = new Cache({ max: 1 })
  const sink = pool.each(identity)
  const { meterProvider, collect } = collector()
  observeMetrics({ pools: [pool], caches: { cache }, streams: { sink }, meterProvider })
  await pool.run(identity, 'x')
  const { instruments } = await collect()
  for (const [name, kind, unit] of /** @type {const} */ ([
    ['offloop.pool.threads', 'up-down counter', '{thread}'],
    ['offloop.pool.input.size', 'up-down counter', 'By'],
    ['offloop.pool.utilization', 'gauge', '1'],
    ['offloop.pool.loop.longest', 'gauge', 's'],
    ['offloop.pool.tasks', 'counter', '{task}'],
    ['offloop.pool.wait.p99', 'gauge', 's'],
    ['offloop.pool.wait.time', 'counter', 's'],
    ['offloop.pool.wait.count', 'counter', '{task}'],
    ['offloop.cache.load.count', 'counter', '{load}'],
    ['offloop.cache.entries', 'up-down counter', '{entry}'],
    ['offloop.stream.written', 'counter', '{chunk}']
  ])) {
    const found = instruments.find(it => it.name === name)
    assert.deepEqual([found?.kind, found?.unit], [kind, unit], name)
  }
  for (const { name, unit, description } of instruments) {
    assert.match(name, /^offloop\.(pool|cache|stream)(\.[a-z]\w*)+$/)
    assert.doesNotMatch(name, /total|seconds|bytes/)
    assert.match(unit, /^(s|By|1|\{[a-z]+\})$/)
    assert.notEqual(description, '')
  }
  sink.destroy()
  cache.close()
  await pool.close()
})

test('stopped or closed sources are no longer observed', async () => {
  const pools = [new Pool({ name: 'first' }), new Pool({ name: 'second' })]
  const { meterProvider, collect } = collector({ delta: true })
  const stops = [
    observeMetrics({ pools: [pools[0]], meterProvider, attributes: { team: 'a', on: true } }),
    observeMetrics({ pools: [pools[1]], meterProvider }),
    observeMetrics({ pools: [pools[1]], meterProvider })
  ]
  const observed = async () =>
    [...(await collect()).values.keys()].filter(key => key.startsWith('offloop.pool.utilization'))
  const [first, second] = [
    'offloop.pool.utilization{offloop.pool.name=first,team=a,on=true}',
    'offloop.pool.utilization{offloop.pool.name=second}'
  ]
  assert.deepEqual(await observed(), [first, second])
  await pools[1].run(identity, 'x')
  const { values } = await collect()
  assert.equal(values.get('offloop.pool.tasks{offloop.pool.name=second,offloop.task.outcome=completed}'), 1)
  stops[1]()
  assert.deepEqual(await observed(), [first, second])
  await pools[0].close()
  assert.deepEqual(await observed(), [second])
  const again = new Pool()
  const duplicate = { code: 'ERR_INVALID_ARG_VALUE', message: /^Another pool is measured as 'second'/ }
  assert.throws(() => observeMetrics({ pools: { second: again }, meterProvider }), duplicate)
  stops[2]()
  assert.deepEqual(await observed(), [])
  stops.push(observeMetrics({ pools: { second: again }, meterProvider }))
  assert.deepEqual(await observed(), [second])
  for (const stop of stops) stop()
  assert.deepEqual(await observed(), [])
  await Promise.all([pools[1].close(), again.close()])
})

test('supports several providers, and uses the global one by default', async () => {
  const pool = new Pool({ name: 'everywhere' })
  const [first, second] = [collector(), collector()]
  metrics.setGlobalMeterProvider(first.meterProvider)
  observeMetrics({ pools: [pool] })
  observeMetrics({ pools: [pool], meterProvider: second.meterProvider })
  await pool.run(identity, 'x')
  for (const { collect } of [first, second]) {
    const { values } = await collect()
    assert.equal(values.get('offloop.pool.tasks{offloop.pool.name=everywhere,offloop.task.outcome=completed}'), 1)
  }
  metrics.disable()
  await pool.close()
})

test('an observed pool does not keep the process alive', async () => {
  const script = `
    const { pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const { observeMetrics } = require(${JSON.stringify(require.resolve('../../opentelemetry'))})
    const { MeterProvider } = require(${JSON.stringify(require.resolve('@opentelemetry/sdk-metrics'))})
    observeMetrics({ pools: [pool], meterProvider: new MeterProvider() })
    pool.run(transforms.identity(), 'done').then(text => console.log(String(text)))`
  const { code, stdout, stderr } = await node(['-e', script])
  assert.deepEqual([code, stdout.trim(), stderr], [0, 'done', ''])
})

test('rejects invalid options', () => {
  const pool = new Pool({ name: 'options' })
  /** @type {[unknown, string, RegExp][]} */
  const cases = [
    [undefined, 'ERR_INVALID_ARG_TYPE', /"options" argument must be of type object/],
    [
      { attributes: {} },
      'ERR_INVALID_ARG_VALUE',
      /One of 'options\.pools', 'options\.caches', 'options\.streams' and 'options\.loops'/
    ],
    [
      { pools: [pool], labels: {} },
      'ERR_INVALID_ARG_VALUE',
      /'options\.labels' is unknown\. .*'meterProvider', 'attributes'/
    ],
    [
      { pools: [pool], meterProvider: {} },
      'ERR_INVALID_ARG_TYPE',
      /"options\.meterProvider" property must be a MeterProvider/
    ],
    [
      { pools: [pool], attributes: 'a' },
      'ERR_INVALID_ARG_TYPE',
      /"options\.attributes" property must be of type object/
    ],
    [{ pools: [pool], attributes: { '': 1 } }, 'ERR_INVALID_ARG_VALUE', /must not be empty.* Received ''/],
    [
      { pools: [pool], attributes: { 'offloop.pool.name': 1 } },
      'ERR_INVALID_ARG_VALUE',
      /or one of 'offloop\.pool\.name'/
    ],
    [{ pools: [pool], attributes: { a: null } }, 'ERR_INVALID_ARG_TYPE', /"options\.attributes\.a" property .* boolean/]
  ]
  for (const [options, code, message] of cases) {
    assert.throws(() => observeMetrics(/** @type {any} */ (options)), { code, message }, String(message))
  }
})
