'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { PassThrough } = require('node:stream')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const prometheus = require('prom-client')
const { Cache, Pool, transforms } = require('../..')
const { collectMetrics } = require('../../prometheus')
const { node } = require('../support/child')
const { deferred } = require('../support/deferred')
const { userFunction, waitForValue, release, sharedWords } = require('../support/worker')
const { parse, scrape } = require('../support/metrics')

const { Registry } = prometheus
const identity = transforms.identity()

test('exports the values of pool.stats()', async t => {
  const pool = new Pool({ name: 'scraped', threads: 1, maxQueue: 1, maxQueueBytes: 1 << 20 })
  const register = new Registry()
  const stop = collectMetrics({ pools: [pool], register })
  await pool.map(transforms.gzip(), Array(100).fill('text'))
  await assert.rejects(pool.run(transforms.gunzip(), Buffer.from('no gzip')))
  const [words, abort] = [sharedWords(), new AbortController()]
  t.after(() => pool.close({ force: true }))
  const runs = pool.run(userFunction('meet'), words)
  await waitForValue(words, 0, 1)
  const waits = pool.run(identity, 'four', { signal: abort.signal })
  const waiting = pool.run(identity, 'x', { wait: true, signal: abort.signal })
  await assert.rejects(pool.run(identity, 'no room'), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  const busy = await scrape(register)
  const { values } = busy
  const { utilization: _, queuedBytes, waitTime, byTransform, loop, ...counts } = pool.stats()
  assert.deepEqual([counts.running, counts.queued, counts.completed, counts.failed, counts.rejected], [1, 1, 100, 1, 1])
  const of = (/** @type {string} */ name, labels = '') => values.get(`offloop_pool_${name}{pool='scraped'${labels}}`)
  assert.deepEqual([of('threads'), of('running'), of('queue_length'), of('queue_limit')], [1, 1, 1, 1])
  assert.deepEqual([of('waiting'), counts.waiting], [1, 1])
  assert.deepEqual([of('input_size_bytes'), of('input_limit_bytes')], [queuedBytes, 1 << 20])
  for (const outcome of /** @type {const} */ (['completed', 'failed', 'cancelled', 'rejected'])) {
    assert.equal(of('tasks_total', `,outcome='${outcome}'`), counts[outcome])
  }
  const utilization = of('utilization_ratio') ?? -1
  assert.ok(utilization > 0 && utilization <= 1)
  const longest = of('loop_longest_seconds') ?? -1
  assert.ok(longest > 0 && longest <= loop.longest / 1000)
  assert.equal(of('wait_seconds_count'), waitTime.count)
  assert.equal(of('wait_seconds_sum'), (waitTime.mean * waitTime.count) / 1000)
  const quantiles = /** @type {const} */ ({ p50: 0.5, p90: 0.9, p99: 0.99, max: 1 })
  for (const [part, quantile] of Object.entries(quantiles)) {
    const millis = waitTime[/** @type {keyof typeof quantiles} */ (part)]
    assert.equal(of('wait_seconds', `,quantile='${quantile}'`), millis / 1000)
  }
  assert.equal(of('run_seconds_count'), counts.runTime.count)
  assert.equal(of('transform_tasks_total', ",transform='gzip',outcome='completed'"), 100)
  assert.equal(of('transform_tasks_total', ",transform='gunzip',outcome='failed'"), 1)
  assert.equal(of('transform_run_seconds', ",transform='gzip',quantile='1'"), byTransform.gzip.runTime.max / 1000)
  assert.deepEqual(
    ['tasks_total', 'wait_seconds', 'running'].map(name => busy.types.get(`offloop_pool_${name}`)),
    ['counter', 'summary', 'gauge']
  )
  abort.abort()
  await assert.rejects(waits)
  await assert.rejects(waiting)
  release(words)
  await runs
  assert.equal((await scrape(register)).values.get("offloop_pool_tasks_total{pool='scraped',outcome='cancelled'}"), 1)
  stop()
  await pool.close()
})

test('exports the values of cache.stats()', async () => {
  const cache = new Cache({ max: 2, maxBytes: 100, weigh: () => 7 })
  const register = new Registry()
  const stop = collectMetrics({ caches: { users: cache }, register })
  for (const id of ['a', 'b', 'c', 'c']) await cache.get(id, () => id)
  await assert.rejects(cache.get('d', () => Promise.reject(new Error('down'))))
  const { promise, resolve } = deferred()
  const loading = [cache.get('e', () => promise), cache.get('e', () => promise)]
  const { values } = await scrape(register)
  const of = (/** @type {string} */ name, labels = '') => values.get(`offloop_cache_${name}{cache='users'${labels}}`)
  const { loadTime, ...stats } = cache.stats()
  assert.deepEqual(stats, {
    size: 2,
    bytes: 14,
    hits: 1,
    staleHits: 0,
    misses: 6,
    loads: 5,
    coalesced: 1,
    loadFailures: 1,
    inFlight: 1,
    evictions: { size: 1, ttl: 0, replaced: 0, deleted: 0 }
  })
  assert.deepEqual([of('entries'), of('size_bytes'), of('in_flight')], [2, 14, 1])
  assert.deepEqual(
    ['hit', 'stale_hit', 'miss'].map(result => of('requests_total', `,result='${result}'`)),
    [1, 0, 6]
  )
  assert.deepEqual([of('loads_total'), of('coalesced_total'), of('load_failures_total')], [5, 1, 1])
  assert.deepEqual(
    ['size', 'ttl', 'replaced', 'deleted'].map(reason => of('evictions_total', `,reason='${reason}'`)),
    [1, 0, 0, 0]
  )
  assert.equal(of('load_seconds_count'), loadTime.count)
  assert.equal(of('load_seconds', ",quantile='0.99'"), loadTime.p99 / 1000)
  resolve('value')
  await Promise.all(loading)
  cache.close()
  assert.equal((await scrape(register)).values.size, 0)
  stop()
})

test('a stream of pool.stream is measured too, and other objects are refused', async () => {
  const pool = new Pool()
  const stream = pool.stream(transforms.gzip())
  const register = new Registry()
  const stop = collectMetrics({ streams: { zip: stream }, register })
  await new Promise(resolve => stream.write('abc', resolve))
  const { values } = await scrape(register)
  assert.equal(values.get("offloop_stream_written_total{stream='zip'}"), 1)
  stream.destroy()
  assert.equal((await scrape(register)).values.size, 0)
  assert.throws(() => collectMetrics(/** @type {any} */ ({ streams: { a: new PassThrough() }, register })), {
    code: 'ERR_INVALID_ARG_TYPE',
    message:
      /"options\.streams\.a" property must be an instance of Sink or TransformDuplex\. Received an instance of PassThrough/
  })
  stop()
  await pool.close()
})

test('exports the values of sink.stats() until the sink closes', async () => {
  const pool = new Pool()
  const gate = deferred()
  const sink = pool.each(identity, () => gate.promise)
  const register = new Registry()
  const stop = collectMetrics({ streams: { uploads: sink }, register })
  for (const text of ['a', 'bc', 'def']) sink.write(text)
  while (sink.stats().written < 3) await turn()
  const { values } = await scrape(register)
  assert.deepEqual(Object.fromEntries(values), {
    "offloop_stream_written_total{stream='uploads'}": 3,
    "offloop_stream_completed_total{stream='uploads'}": 0,
    "offloop_stream_in_flight{stream='uploads'}": 3,
    "offloop_stream_input_size_bytes{stream='uploads'}": sink.stats().inFlightBytes,
    "offloop_stream_stalls_total{stream='uploads'}": sink.stats().stalls
  })
  gate.resolve(undefined)
  sink.end()
  await once(sink, 'close')
  assert.equal((await scrape(register)).values.size, 0)
  stop()
  await pool.close()
})

test('several calls share one registry, and stop removes the sources of its call', async () => {
  const pools = [new Pool({ name: 'first' }), new Pool({ name: 'second' }), new Pool()]
  const register = new Registry()
  const names = async () => {
    const { values } = await scrape(register)
    return [...values.keys()].flatMap(key => /^offloop_pool_threads\{pool='(.*)'\}/.exec(key)?.[1] ?? [])
  }
  const stops = [
    collectMetrics({ pools: [pools[0]], register }),
    collectMetrics({ pools: { second: pools[1], third: pools[2] }, register }),
    collectMetrics({ pools: [pools[0], pools[0]], register })
  ]
  assert.deepEqual(await names(), ['first', 'second', 'third'])
  await pools[0].run(identity, 'x')
  const { values } = await scrape(register)
  assert.equal(values.get("offloop_pool_tasks_total{pool='first',outcome='completed'}"), 1, 'counted once')
  stops[0]()
  stops[0]()
  assert.deepEqual(await names(), ['first', 'second', 'third'])
  stops[2]()
  assert.deepEqual(await names(), ['second', 'third'])
  stops[1]()
  assert.deepEqual(register.getMetricsAsArray(), [])
  collectMetrics({ pools: [pools[0]], register })
  register.clear()
  collectMetrics({ pools: [pools[1]], register })
  assert.deepEqual(await names(), ['second'], 'a cleared registry can be used again')
  await Promise.all(pools.map(pool => pool.close()))
})

test('a name is unique until its source is closed', async () => {
  const [first, second] = [new Pool(), new Pool()]
  const register = new Registry()
  const cache = new Cache({ max: 1 })
  const stopFirst = collectMetrics({ pools: { main: first }, register })
  const duplicate = {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^Another pool is measured as 'main'\. Give one of them another/
  }
  assert.throws(() => collectMetrics({ pools: { fine: second, main: second }, caches: { cache }, register }), duplicate)
  const { values } = await scrape(register)
  assert.ok(![...values.keys()].some(key => /fine|cache/.test(key)), 'all or nothing')
  collectMetrics({ pools: { main: second }, prefix: 'other_', register })()
  await first.close()
  assert.equal((await scrape(register)).values.size, 0)
  const stop = collectMetrics({ pools: { main: second }, register })
  stopFirst()
  assert.equal((await scrape(register)).values.get("offloop_pool_queue_limit{pool='main'}"), 1024)
  stop()
  cache.close()
  await second.close()
})

test('a pool without a name needs one to be measured', async () => {
  const [named, unnamed] = [new Pool({ name: 'named', threads: 1 }), new Pool({ threads: 1 })]
  assert.equal(unnamed.name, undefined)
  const register = new Registry()
  const stop = collectMetrics({ pools: [named], register })
  const { values } = await scrape(register)
  assert.equal(values.get("offloop_pool_threads{pool='named'}"), 1)
  stop()
  const message = /pool at options\.pools\[0\] has no name/
  assert.throws(() => collectMetrics({ pools: [unnamed], register }), { code: 'ERR_INVALID_ARG_VALUE', message })
  await Promise.all([named.close(), unnamed.close()])
})

test('supports prefixes, labels and several registries', async () => {
  const pool = new Pool({ name: 'a "quoted"\n' })
  const registers = [new Registry(), new Registry()]
  const stops = registers.map((register, index) =>
    collectMetrics({ pools: [pool], prefix: `app${index}:`, labels: { service: 'api', shard: index }, register })
  )
  await pool.run(identity, 'x')
  for (const [index, register] of registers.entries()) {
    const { values } = await scrape(register)
    const labels = `pool='a \\'quoted\\'\\n',outcome='completed',service='api',shard='${index}'`
    assert.equal(values.get(`app${index}:pool_tasks_total{${labels}}`), 1)
  }
  const [register] = registers
  const expected = {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /must be \[ 'service', 'shard' \], as in the 'app0:' metrics/
  }
  assert.throws(() => collectMetrics({ pools: [pool], prefix: 'app0:', labels: { team: 'a' }, register }), expected)
  // The same pool with other labels is a separate series.
  const stop = collectMetrics({ pools: [pool], prefix: 'app0:', labels: { shard: 7, service: 'api' }, register })
  const text = await register.metrics()
  assert.equal(text.match(/^app0:pool_threads\{/gm)?.length, 2)
  for (const end of [...stops, stop]) end()
  assert.equal(await register.metrics(), '\n')
  await pool.close()
})

test("uses the global registry by default and does not touch other libraries' metrics", async () => {
  const pool = new Pool({ name: 'global' })
  const stop = collectMetrics({ pools: [pool] })
  assert.match(await prometheus.register.metrics(), /^offloop_pool_threads\{pool="global"\} \d+$/m)
  stop()
  assert.deepEqual(prometheus.register.getMetricsAsArray(), [])
  const foreign = new prometheus.Gauge({ name: 'offloop_pool_tasks_total', help: 'not ours' })
  assert.throws(() => collectMetrics({ pools: [pool] }), /offloop_pool_tasks_total has already been registered/)
  assert.deepEqual(prometheus.register.getMetricsAsArray(), [foreign])
  prometheus.register.clear()
  await pool.close()
})

test('supports OpenMetrics, JSON and aggregation over a cluster', async () => {
  const pool = new Pool({ name: 'formats' })
  await pool.run(identity, 'x')
  const register = new Registry()
  register.setContentType(/** @type {any} */ (Registry.OPENMETRICS_CONTENT_TYPE))
  const stop = collectMetrics({ pools: [pool], register })
  const series = "offloop_pool_tasks_total{pool='formats',outcome='completed'}"
  for (let scrapes = 0; scrapes < 2; scrapes++) {
    const text = await register.metrics()
    assert.ok(text.endsWith('# EOF\n'))
    assert.equal(parse(text).values.get(series), 1)
  }
  const json = /** @type {any[]} */ (await register.getMetricsAsJSON())
  stop()
  assert.deepEqual(register.getMetricsAsArray(), [])
  const both = prometheus.AggregatorRegistry.aggregate([json, json])
  const { values } = parse(await both.metrics())
  assert.equal(values.get("offloop_pool_wait_seconds_count{pool='formats'}"), 2)
  const ratio = json.find(it => it.name === 'offloop_pool_utilization_ratio').values[0].value
  assert.equal(values.get("offloop_pool_utilization_ratio{pool='formats'}"), ratio)
  await pool.close()
})

test('a named pool exports the same totals in every thread', async () => {
  const pool = new Pool({ name: 'observed twice' })
  await pool.map(identity, Array(30).fill('x'))
  const code = `
    const { Pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const { collectMetrics } = require(${JSON.stringify(require.resolve('../../prometheus'))})
    const { register } = require(${JSON.stringify(require.resolve('prom-client'))})
    const { parentPort } = require('node:worker_threads')
    const pool = new Pool({ name: 'observed twice' })
    collectMetrics({ pools: [pool] })
    pool.map(transforms.identity(), Array(12).fill('x')).then(async () => parentPort.postMessage(await register.metrics()))`
  const register = new Registry()
  const stop = collectMetrics({ pools: [pool], register })
  const [workerText] = await once(new Worker(code, { eval: true }), 'message')
  const series = "offloop_pool_tasks_total{pool='observed twice',outcome='completed'}"
  assert.equal(parse(workerText).values.get(series), 42)
  assert.equal((await scrape(register)).values.get(series), 42)
  stop()
  await pool.close()
})

test('reads statistics once per scrape and never between scrapes', async t => {
  const cache = new Cache({ max: 1 })
  const stats = t.mock.method(cache, 'stats')
  const register = new Registry()
  const stop = collectMetrics({ caches: { cache }, register })
  await cache.get('a', () => 1)
  await turn()
  assert.equal(stats.mock.callCount(), 0)
  await scrape(register)
  assert.equal(stats.mock.callCount(), 1)
  await scrape(register)
  assert.equal(stats.mock.callCount(), 2)
  stop()
  cache.close()
})

test('measured objects can be collected, and the process can exit', async () => {
  const script = `
    const { Cache, Pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const { collectMetrics } = require(${JSON.stringify(require.resolve('../../prometheus'))})
    const { register } = require(${JSON.stringify(require.resolve('prom-client'))})
    const refs = []
    ;(function () {
      for (const it of [new Pool({ name: 'forgotten' }), new Cache({ max: 1 })]) refs.push(new WeakRef(it))
      collectMetrics({ pools: [refs[0].deref()], caches: { cache: refs[1].deref() } })
    })()
    collectMetrics({ pools: { retained: new Pool({ name: 'retained' }) } })
    ;(async () => {
      await register.metrics()
      while (refs.some(it => it.deref() !== undefined)) {
        await new Promise(resolve => setImmediate(resolve))
        gc()
      }
      console.log(/forgotten|cache=/.test(await register.metrics()))
    })()`
  const { code, stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.deepEqual([code, stdout.trim(), stderr], [0, 'false', ''])
})

test('rejects invalid options', () => {
  const register = new Registry()
  const pool = new Pool({ name: 'options' })
  const cache = new Cache({ max: 1 })
  /** @type {[unknown, string, RegExp][]} */
  const cases = [
    [undefined, 'ERR_INVALID_ARG_TYPE', /"options" argument must be of type object\. Received undefined/],
    [
      {},
      'ERR_INVALID_ARG_VALUE',
      /One of 'options\.pools', 'options\.caches', 'options\.streams' and 'options\.loops' is required/
    ],
    [
      { pool },
      'ERR_INVALID_ARG_VALUE',
      /'options\.pool' is unknown\. The options are 'pools', 'caches', 'streams', 'loops', 'prefix'/
    ],
    [
      { pools: pool },
      'ERR_INVALID_ARG_TYPE',
      /"options\.pools" property must be an array .* Received an instance of Pool/
    ],
    [{ pools: 'a' }, 'ERR_INVALID_ARG_TYPE', /"options\.pools" property must be an array of named pools or an object/],
    [
      { pools: [cache] },
      'ERR_INVALID_ARG_TYPE',
      /"options\.pools\[0\]" property must be an instance of Pool\. Received/
    ],
    [{ pools: { a: null } }, 'ERR_INVALID_ARG_TYPE', /"options\.pools\.a" property must be an instance of Pool/],
    [{ pools: { '': pool } }, 'ERR_INVALID_ARG_VALUE', /The names in "options\.pools" must be non-empty strings/],
    [{ pools: [pool, new Pool()] }, 'ERR_INVALID_ARG_VALUE', /pool at options\.pools\[1\] has no name\. Pass/],
    [
      { caches: [cache] },
      'ERR_INVALID_ARG_TYPE',
      /"options\.caches" property must be an object with a cache for each name/
    ],
    [{ caches: { a: pool } }, 'ERR_INVALID_ARG_TYPE', /"options\.caches\.a" property must be an instance of Cache/],
    [
      { streams: null },
      'ERR_INVALID_ARG_TYPE',
      /"options\.streams" property must be an object with a stream for each name/
    ],
    [{ pools: [pool], prefix: 5 }, 'ERR_INVALID_ARG_TYPE', /"options\.prefix" property must be of type string/],
    [{ pools: [pool], prefix: 'a-b' }, 'ERR_INVALID_ARG_VALUE', /must be letters, digits, _ and :\. Received 'a-b'/],
    [{ pools: [pool], labels: ['a'] }, 'ERR_INVALID_ARG_TYPE', /"options\.labels" property must be of type object/],
    [
      { pools: [pool], labels: { 'a-b': 1 } },
      'ERR_INVALID_ARG_VALUE',
      /must be letters, digits and _.* Received 'a-b'/
    ],
    [{ pools: [pool], labels: { outcome: 1 } }, 'ERR_INVALID_ARG_VALUE', /not one of .*'outcome'.* Received 'outcome'/],
    [{ pools: [pool], labels: { quantile: 1 } }, 'ERR_INVALID_ARG_VALUE', /Received 'quantile'/],
    [{ pools: [pool], labels: { a: {} } }, 'ERR_INVALID_ARG_TYPE', /"options\.labels\.a" .* of type string or number/],
    [{ pools: [pool], register: {} }, 'ERR_INVALID_ARG_TYPE', /"options\.register" property must be a Registry/]
  ]
  for (const [options, code, message] of cases) {
    const given = options && { register, ...options }
    assert.throws(() => collectMetrics(/** @type {any} */ (given)), { code, message }, String(message))
  }
  assert.deepEqual(register.getMetricsAsArray(), [], 'failed calls register nothing')
  cache.close()
})
