'use strict'

// The findings that the doctor must report for each server: these, and no others that are at least likely. Healthy servers have none.

/**
 * Requests that autocannon repeats, for one path or several in turn. `seconds` is the duration of the measurement, 5 by default. `body` is
 * the path of a file.
 * @typedef {{
 *   paths: string[],
 *   connections: number,
 *   method?: string,
 *   body?: string,
 *   seconds?: number
 * }} Requests
 *
 * A script that generates the load and exits.
 * @typedef {{ script: string, seconds?: number }} Script
 *
 * Duration of the measurement of a program without a server, in seconds.
 * @typedef {{ for: number }} Observation
 *
 * `line` is a part of the guilty line, which ends with the comment `// guilty`; absent if the rule cannot know the line. `file` contains
 * that line, and is by default the server.
 * @typedef {{
 *   rule: import('../../doctor').RuleNumber,
 *   id: string,
 *   function?: string,
 *   line?: string,
 *   file?: string
 * }} ExpectedFinding
 *
 * @typedef {object} Verdict
 * @property {string} name
 * @property {string} file in `servers/`
 * @property {Requests | Script | Observation} load
 * @property {ExpectedFinding[]} findings
 * @property {'tsc' | 'esbuild' | 'tsx'} [compiler]
 * @property {number} [node] the oldest line of Node.js that can run the server
 * @property {string} [needs] the package that may be missing
 */

const CONNECTIONS = 20

/**
 * @param {string[]} paths
 * @param {Partial<Requests>} [more]
 * @returns {Requests}
 */
function requests(paths = ['/'], more = {}) {
  return { paths, connections: CONNECTIONS, ...more }
}

/** @type {readonly Verdict[]} */
const traps = [
  {
    name: 't1',
    file: '1-race.js',
    load: requests(['/42', '/43']),
    findings: [{ rule: 1, id: 'race', function: 'login', line: 'sessionCache.set(userId, session)' }]
  },
  {
    name: 't2',
    file: '2-listeners.js',
    load: requests(),
    findings: [
      { rule: 2, id: 'listeners', function: 'subscribe', line: "emitter.on('data', () => processChunk(data))" }
    ]
  },
  {
    name: 't3',
    file: '3-work-in-write.js',
    load: requests(),
    findings: [
      {
        rule: 3,
        id: 'work-in-write',
        function: 'heavySyncProcessing',
        line: "createHash('sha256').update(chunk)"
      }
    ]
  },
  {
    name: 't4',
    file: '4-await-loop.js',
    load: requests(),
    findings: [
      { rule: 4, id: 'await-loop', function: 'processUsers', line: 'if (await heavyValidation(user)) valid++' }
    ]
  },
  {
    name: 't5',
    file: '5-growing-array.js',
    load: requests(),
    findings: [{ rule: 5, id: 'growth', function: 'remember', line: 'cache.push(data)' }]
  },
  {
    name: 't6',
    file: '6-handler.js',
    load: requests(['/report', '/ping']),
    findings: [{ rule: 6, id: 'handler', function: 'heavyCompute', line: 'sum = Math.sqrt(sum + step)' }]
  },
  {
    name: 't6b',
    file: '6-json-parse.js',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'countReadings', line: 'JSON.parse(text)' }]
  },
  {
    name: 't7',
    file: '7-cluster.mjs',
    load: requests(),
    findings: [{ rule: 7, id: 'processes', function: 'startWorkers', line: 'cluster.fork()' }]
  },
  {
    name: 't8',
    file: '8-worker-per-request.js',
    load: requests(),
    findings: [{ rule: 8, id: 'worker-per-request', function: 'runTask', line: 'new Worker(script' }]
  }
]

/** The traps in other clothes. @type {readonly Verdict[]} */
const variants = [
  {
    name: 'race-private-map',
    file: '1-race-private-map.mjs',
    load: requests(['/ada', '/bob']),
    findings: [{ rule: 1, id: 'race', function: 'find', line: 'this.#profiles.set(name, profile)' }]
  },
  {
    name: 'race-after-auth',
    file: '1-race-after-auth-express.js',
    load: requests(['/quota/1', '/quota/2']),
    needs: 'express',
    findings: [{ rule: 1, id: 'race', function: 'quotaOf', line: 'quotas.set(team, quota)' }]
  },
  {
    name: 'race-tsc',
    file: '1-race-tsc.ts',
    load: requests(['/1', '/2', '/3']),
    compiler: 'tsc',
    findings: [{ rule: 1, id: 'race', function: 'of', line: 'this.known.set(product, price)' }]
  },
  {
    name: 'race-expired',
    file: '1-race-expired.js',
    load: requests(['/ada', '/bob']),
    findings: [{ rule: 1, id: 'race', function: 'priceOf', line: 'prices.set(product, price)' }]
  },
  {
    name: 'race-callback',
    file: '1-race-callback.mjs',
    load: requests(['/acme', '/globex']),
    findings: [{ rule: 1, id: 'race', function: '<anonymous>', line: 'tokens.set(tenant, token)' }]
  },
  {
    name: 'n-plus-one',
    file: '1-n-plus-one.js',
    load: requests(),
    node: 24,
    findings: [{ rule: 1, id: 'n-plus-one', function: 'ordersOf', line: 'await database.query(`order:' }]
  },
  {
    name: 'same-call',
    file: '1-same-call.js',
    load: requests(),
    findings: [{ rule: 1, id: 'stampede', function: 'get', line: 'http.get(url, { agent }' }]
  },
  {
    name: 'n-plus-one-client',
    file: '1-n-plus-one-client.js',
    load: requests(),
    node: 24,
    findings: [{ rule: 1, id: 'n-plus-one', function: 'ordersOf', line: 'orders.push(await orderOf(' }]
  },
  {
    name: 'same-call-object',
    file: '1-same-call-object.js',
    load: requests(),
    findings: [{ rule: 1, id: 'stampede', function: 'settings', line: "await (await client).get('settings')" }]
  },
  {
    name: 'abort-signals',
    file: '2-abort-signals.js',
    load: requests(),
    findings: [{ rule: 2, id: 'abort-signals', function: 'cancellable', line: "signal.addEventListener('abort'" }]
  },
  {
    name: 'intervals',
    file: '2-intervals.js',
    load: requests(),
    findings: [{ rule: 2, id: 'intervals', function: 'keepAlive', line: 'setInterval(() => session.beats++' }]
  },
  {
    name: 'work-in-transform',
    file: '3-work-in-transform.js',
    load: requests(),
    findings: [{ rule: 3, id: 'work-in-write', function: '_transform', line: 'brotliCompressSync(chunk' }]
  },
  {
    name: 'work-in-flush',
    file: '3-work-in-flush-tsc.ts',
    load: requests(),
    compiler: 'tsc',
    findings: [{ rule: 3, id: 'work-in-write', function: '<anonymous>', line: 'a.customer.localeCompare(b.customer' }]
  },
  {
    name: 'work-in-writev',
    file: '3-work-in-writev.js',
    load: requests(),
    findings: [{ rule: 3, id: 'work-in-write', function: '_writev', line: 'brotliCompressSync(text)' }]
  },
  {
    name: 'backpressure-ignored',
    file: '3-backpressure-ignored.js',
    load: requests(),
    findings: [{ rule: 3, id: 'backpressure', function: 'exportAll', line: 'response.write(page)' }]
  },
  {
    name: 'backpressure-ignored-file',
    file: '3-backpressure-ignored-file.js',
    load: requests(),
    findings: [{ rule: 3, id: 'backpressure', function: 'audit', line: 'log.write(record)' }]
  },
  {
    name: 'await-while',
    file: '4-await-while-fastify.js',
    load: requests(['/index']),
    needs: 'fastify',
    findings: [{ rule: 4, id: 'await-loop', function: 'index', line: 'words += await countWords' }]
  },
  {
    name: 'for-await',
    file: '4-for-await.mjs',
    load: requests(),
    findings: [{ rule: 4, id: 'await-loop', function: 'report', line: 'total += await deviation(prices)' }]
  },
  {
    name: 'await-loop-types',
    file: '4-await-loop-types.mts',
    load: requests(),
    node: 22,
    findings: [{ rule: 4, id: 'await-loop', function: 'spread', line: 'sum += await nearest(point, all)' }]
  },
  {
    name: 'growing-map',
    file: '5-growing-map.mjs',
    load: requests(),
    findings: [{ rule: 5, id: 'growth', function: 'open', line: 'this.#sessions.set(id, session)' }]
  },
  {
    name: 'growing-object',
    file: '5-growing-object.js',
    load: requests(['/a', '/b']),
    findings: [{ rule: 5, id: 'growth', function: 'visit', line: 'visits[randomUUID()] =' }]
  },
  {
    name: 'growing-feeds',
    file: '5-growing-feeds.mjs',
    load: requests(['/red', '/blue', '/green']),
    findings: [{ rule: 5, id: 'growth', function: 'append', line: 'feed.push(entry)' }]
  },
  {
    name: 'growing-presence',
    file: '5-growing-presence.js',
    load: requests(),
    findings: [{ rule: 5, id: 'growth', function: 'enter', line: 'present.set(user' }]
  },
  {
    name: 'linked-list',
    file: '5-linked-list.js',
    load: requests(),
    findings: [{ rule: 5, id: 'growth', function: 'commit', line: 'this.#last = {' }]
  },
  {
    name: 'json-stringify',
    file: '6-json-stringify-koa.js',
    load: requests(),
    needs: 'koa',
    findings: [{ rule: 6, id: 'handler', function: 'exportRows', line: 'JSON.stringify(rows)' }]
  },
  {
    name: 'regexp',
    file: '6-regexp.js',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'trim', line: 'text.replace(TRAILING_SPACE' }]
  },
  {
    name: 'exec-sync',
    file: '6-exec-sync.js',
    load: requests(),
    findings: [{ rule: 6, id: 'system-call', function: 'diskUsage', line: "execFileSync('sleep'" }]
  },
  {
    name: 'read-file-sync',
    file: '6-read-file-sync.js',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'size', line: 'readFileSync(path)' }]
  },
  {
    name: 'other-file',
    file: '6-other-file-esbuild.ts',
    load: requests(['/', '/ping']),
    compiler: 'esbuild',
    findings: [
      { rule: 6, id: 'handler', function: 'bestPair', line: 'Math.abs(a - b) > best', file: 'support/summary.ts' }
    ]
  },
  {
    name: 'package',
    file: '6-package.mjs',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'renderPage', line: 'render(template, values)' }]
  },
  {
    name: 'tsx',
    file: '6-handler-tsx.ts',
    load: requests(),
    compiler: 'tsx',
    needs: 'tsx',
    findings: [{ rule: 6, id: 'handler', function: 'collisions', line: 'Math.hypot(row[0] - a, row[1] - b)' }]
  },
  {
    name: 'http2',
    file: '6-handler-http2.js',
    load: { script: 'support/http2-load.js' },
    findings: [{ rule: 6, id: 'handler', function: 'primes', line: 'isComposite[m] = 1' }]
  },
  {
    name: 'hono',
    file: '6-handler-hono.mjs',
    load: requests(['/pairs']),
    needs: '@hono/node-server',
    findings: [{ rule: 6, id: 'handler', function: 'pairs', line: 'letters[i] === letters[j]' }]
  },
  {
    name: 'timer-job',
    file: '6-timer-job.js',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'refreshStatistics', line: 'values.toSorted' }]
  },
  {
    name: 'password-sync',
    file: '6-password-sync.js',
    load: requests(),
    findings: [{ rule: 6, id: 'handler', function: 'hash', line: 'scryptSync(password' }]
  },
  {
    name: 'two-traps',
    file: 'two-traps.js',
    load: requests(['/', '/', '/', '/report']),
    findings: [
      { rule: 2, id: 'listeners', function: 'watchSettings', line: "settings.on('change'" },
      { rule: 6, id: 'handler', function: 'frequencies', line: 'for (const letter of word)' }
    ]
  },
  {
    name: 'messages',
    file: '7-messages.js',
    load: requests(),
    findings: [{ rule: 7, id: 'ipc', function: '<anonymous>', line: 'worker.send({ id, configuration })' }]
  },
  {
    name: 'process-per-request',
    file: '8-process-per-request.js',
    load: requests(),
    findings: [{ rule: 8, id: 'process-per-request', function: 'today', line: "execFile('date'" }]
  },
  {
    name: 'worker-per-task',
    file: '8-worker-per-task.js',
    load: { for: 6 },
    findings: [{ rule: 8, id: 'worker-per-request', function: 'runTask', line: 'new Worker(script' }]
  },
  {
    name: 'pool-wait',
    file: 'pool-wait-pbkdf2.js',
    load: requests(['/login', '/login', '/login', '/page']),
    findings: [{ rule: 'pool-wait', id: 'pool-wait', function: '<anonymous>', line: 'await deriveKey(' }]
  }
]

/**
 * @param {string} name
 * @param {string} file
 * @param {Verdict['load']} [load]
 * @param {{ needs?: string, node?: number }} [more]
 * @returns {Verdict}
 */
function healthy(name, file, load = requests(), more = {}) {
  return { name, file, load, findings: [], ...more }
}

/** The traps mended, and right code that resembles them. @type {readonly Verdict[]} */
const negatives = [
  healthy('race-offloop', '1-race-offloop.js', requests(['/42', '/43'])),
  healthy('race-fixed', '1-race-fixed.js', requests(['/42', '/43'])),
  healthy('race-expired-fixed', '1-race-expired-fixed.js', requests(['/ada', '/bob'])),
  healthy('n-plus-one-fixed', '1-n-plus-one-fixed.js'),
  healthy('n-plus-one-client-fixed', '1-n-plus-one-client-fixed.js'),
  healthy('same-call-object-fixed', '1-same-call-object-fixed.js'),
  healthy('same-call-offloop', '1-same-call-offloop.js'),
  healthy('listeners-fixed', '2-listeners-fixed.js'),
  healthy('abort-signals-fixed', '2-abort-signals-fixed.js'),
  healthy('abort-signals-offloop', '2-abort-signals-offloop.js'),
  healthy('intervals-fixed', '2-intervals-fixed.js'),
  healthy('work-in-write-offloop', '3-work-in-write-offloop.js'),
  healthy('work-in-transform-offloop', '3-work-in-transform-offloop.js', requests(['/'], { connections: 4 })),
  healthy('backpressure-fixed', '3-backpressure-fixed.js'),
  healthy('pipeline', '3-pipeline.js', requests(['/'], { connections: 4 })),
  healthy('await-loop-offloop', '4-await-loop-offloop.js', requests(['/'], { connections: 4 })),
  healthy('await-loop-fixed', '4-await-loop-fixed.js'),
  healthy('growing-array-offloop', '5-growing-array-offloop.js'),
  healthy('growing-array-fixed', '5-growing-array-fixed.js'),
  healthy('growing-feeds-fixed', '5-growing-feeds-fixed.mjs', requests(['/red', '/blue', '/green'])),
  healthy('filling-cache', '5-filling-cache.js', requests(['/'], { seconds: 10 }), { needs: 'lru-cache' }),
  healthy('big-heap', '5-big-heap.js', requests(['/1', '/20000', '/none'])),
  healthy('handler-offloop', '6-handler-offloop.js', requests(['/report', '/ping'], { connections: 4 })),
  healthy('json-parse-offloop', '6-json-parse-offloop.js', requests(['/'], { connections: 4 })),
  healthy('json-stringify-offloop', '6-json-stringify-offloop.js', requests(['/'], { connections: 4 }), {
    needs: 'koa'
  }),
  healthy('regexp-fixed', '6-regexp-fixed.js'),
  healthy('password-offloop', '6-password-offloop.js'),
  healthy('exec-sync-fixed', '6-exec-sync-fixed.js'),
  healthy('read-file-fixed', '6-read-file-fixed.js'),
  healthy('cluster-fixed', '7-cluster-fixed.mjs'),
  healthy('messages-fixed', '7-messages-fixed.js'),
  healthy('worker-per-request-offloop', '8-worker-per-request-offloop.js'),
  healthy('worker-per-request-piscina', '8-worker-per-request-piscina.js', requests(), { needs: 'piscina' }),
  healthy('worker-per-task-fixed', '8-worker-per-task-fixed.js', { for: 6 }),
  healthy('pool-wait-offloop', 'pool-wait-offloop.js', requests(['/login', '/login', '/login', '/page'])),
  healthy('n1', 'n1-hello.js'),
  healthy('n2', 'n2-single-flight.js', requests(['/a', '/b'])),
  healthy('n3', 'n3-worker-thread.js'),
  healthy('n4', 'n4-server-side-rendering.js'),
  healthy('start-up', 'n-start-up.js', requests(['/a1', '/zz'])),
  healthy('event-bus', 'n-event-bus.js'),
  healthy('metrics', 'n-metrics.js', requests(['/a', '/b', '/missing'])),
  healthy('rate-limiter', 'n-rate-limiter.js'),
  healthy('server-sent-events', 'n-server-sent-events.js'),
  healthy('long-polling', 'n-long-polling.js'),
  healthy('single-flight-ttl', 'n-single-flight-ttl.mjs', requests(['/a', '/b'])),
  healthy('access-log', 'n-access-log.js'),
  healthy('refresh', 'n-refresh.js'),
  healthy('proxy', 'n-proxy.js', requests(['/a', '/b'])),
  healthy('gzip', 'n-gzip.js'),
  healthy('express-static', 'n-express-static.js', requests(['/readme']), { needs: 'express' }),
  healthy('express', 'n-express.js', requests(['/orders'], { method: 'POST', body: 'support/order.json' }), {
    needs: 'express'
  }),
  healthy('fastify', 'n-fastify.js', requests(['/items/1', '/items/2']), { needs: 'fastify' }),
  healthy('koa', 'n-koa.js', requests(), { needs: 'koa' }),
  healthy('http2-fixed', 'n-http2.mjs', { script: 'support/http2-load.js' }),
  healthy('batch', 'n-batch.mjs', { for: 6 }),
  healthy('types', 'n-types.mts', requests(['/ada']), { node: 22 }),
  healthy('lru-fetch', 'n-lru-fetch.mjs', requests(), { needs: 'lru-cache' })
]

/** @type {readonly Verdict[]} */
module.exports = [...traps, ...variants, ...negatives]
