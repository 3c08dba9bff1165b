'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { judge, notes } = require('../../lib/doctor/judge/handler.js')
const { FROM, SETUP, block, facts, loop, rows, stack, times } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/facts').FactBlock} FactBlock
 */

const HTTP = 'emit node:events:500 < parserOnIncoming node:_http_server:1200'
const REPORT = `heavyCompute report.js:31 < report report.js:44 < ${HTTP}`
const REQUEST = /** @type {const} */ ({ method: 'GET', route: '/report', certainty: 'exact' })

/**
 * @param {number} count of requests
 * @returns {Pick<ProcessFacts, 'requests'>}
 */
function routes(count) {
  const durations = { count, mean: 1, p50: 1, p90: 1, p99: 1, max: 1 }
  const route = { method: 'GET', route: '/report', count, errors: 0, durations, held: 0, waited: 0 }
  return { requests: { count: 1000, errors: 0, routes: [route] } }
}

/**
 * @param {FactBlock[]} blocks
 * @param {Partial<ProcessFacts>} [fields]
 */
function judged(blocks, fields = {}) {
  return judge(facts([{ blocks, ...routes(20), ...fields }]), SETUP)
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

test('a function that holds the loop again and again is certain, with its handler and figures', () => {
  const [finding, ...others] = judged(times(20, block(REPORT, { duration: 41, own: 41, waited: 50, request: REQUEST })))
  assert.deepEqual(others, [])
  const { title, file, line, column, function: name, confidence, time, evidence, fix, frames } = finding
  assert.deepEqual(
    { title, file, line, column, name, confidence, time },
    {
      title: 'CPU in a handler',
      file: '/srv/report.js',
      line: 31,
      column: 5,
      name: 'heavyCompute',
      confidence: 'certain',
      time: 820
    }
  )
  assert.equal(
    evidence.text,
    'Held the loop 20 times, 41 ms each (p99 41 ms), 8 % of the time; requests waited 1,000 times. ' +
      'Called for GET /report by report (report.js:44).'
  )
  assert.deepEqual(
    { count: evidence.count, p50: evidence.p50, max: evidence.max, share: evidence.share, waited: evidence.waited },
    { count: 20, p50: 41, max: 41, share: 0.082, waited: 1000 }
  )
  assert.match(fix, /transforms\.worker\(file\).*heavyCompute/)
  assert.equal(frames.length, 4)
  assert.ok(frames.every(frame => !('loop' in frame)))
})

test('lines of one function are one finding, at the line with the most time', () => {
  const lines = [31, 32, 32, 33].map(line =>
    block(`heavyCompute report.js:${line} < report report.js:44`, { request: REQUEST })
  )
  assert.deepEqual(brief(judged([...lines, ...lines])), ['handler certain heavyCompute:32'])
})

test('a function without a name is known by its caller', () => {
  const blocks = [5, 6, 7, 5].map(line =>
    block(`<anonymous> a.js:${line} < ${HTTP}`, { duration: 60, own: 60, request: REQUEST })
  )
  assert.deepEqual(brief(judged(blocks)), ['handler certain <anonymous>:5'])
})

test('each stack of a long block stands for its part of the time', () => {
  const blocks = times(4, block(['parse a.js:1', 'parse a.js:1', 'render b.js:2'], { duration: 200, own: 200 }))
  const findings = judged(blocks)
  assert.deepEqual(
    findings.map(({ function: name, time }) => [name, time]).sort(),
    // Stacks after 25, 50 and 100 ms: the borders are in the middle.
    [
      ['parse', 4 * 75],
      ['render', 4 * 125]
    ]
  )
})

test('rare and short blocks are left in peace; a single long one is likely', () => {
  assert.deepEqual(judged(times(2, block(REPORT, { duration: 200, own: 200 }))), [])
  assert.deepEqual(judged(times(3, block(REPORT, { duration: 30, own: 30 }))), [])
  assert.deepEqual(brief(judged([block(REPORT, { duration: 251, own: 251 })])), ['handler likely heavyCompute:31'])
})

test('time without a core does not count', () => {
  const starved = block(REPORT, { duration: 400, own: 20, starved: 380, cause: 'starved' })
  assert.deepEqual(judged(times(20, starved)), [])
  const both = block(REPORT, { duration: 100, own: 41, starved: 59, cause: 'starved', request: REQUEST })
  const [finding] = judged(times(20, both))
  assert.equal(finding.confidence, 'certain')
  assert.ok(Math.abs(finding.time - 820) < 1e-6)
  assert.match(finding.evidence.text, /Including starved time: 100 ms each\./)
})

test('garbage collections do not count', () => {
  const collections = block(REPORT, { duration: 60, own: 60, gc: 50, cause: 'gc' })
  assert.deepEqual(judged(times(20, collections)), [])
  const both = block(REPORT, { duration: 100, own: 100, gc: 60, cause: 'gc', request: REQUEST })
  assert.deepEqual(brief(judged(times(20, both))), ['handler certain heavyCompute:31'])
})

test('waits with a debugger, blocks of a stopped process, of the warm-up, and of loading modules are not judged', () => {
  const long = { duration: 300, own: 300 }
  assert.deepEqual(judged(times(5, block(REPORT, { ...long, isDebugged: true, cause: 'blocked' }))), [])
  // `--inspect` alone does not pause the program.
  const computing = block(REPORT, { ...long, isDebugged: true, request: REQUEST })
  assert.deepEqual(brief(judged(times(5, computing))), ['handler certain heavyCompute:31'])
  assert.deepEqual(judged(times(5, block(REPORT, { ...long, cause: 'suspended' }))), [])
  assert.deepEqual(judged(times(5, block(REPORT, { ...long, began: FROM - 1 }))), [])
  const loading = block(
    'compute a.js:1 < <anonymous> a.js:9 < Module._compile node:internal/modules/cjs/loader:1',
    long
  )
  assert.deepEqual(judged(times(5, loading)), [])
  // The module was loaded long ago: its top level still awaits.
  const late = block(
    'compute a.js:1 < async <anonymous> a.js:9 < async run node:internal/modules/esm/module_job:1',
    long
  )
  assert.deepEqual(brief(judged(times(5, late))), ['handler certain compute:1'])
})

test('notes report the blocks that were left out', () => {
  const loading = block('compute a.js:1 < Module._compile node:internal/modules/cjs/loader:1', {
    duration: 300,
    own: 300
  })
  const left = facts([{ blocks: [loading, block(REPORT, { isDebugged: true, cause: 'blocked' })], dropped: 2 }])
  assert.deepEqual(notes(left, SETUP), {
    handler:
      '300 ms of module loading was ignored; 2 blocks beyond the first 1,000 of a process were not recorded; ' +
      'waits with a debugger attached were not judged'
  })
  assert.deepEqual(notes(facts([{}]), SETUP), {})
})

test('native functions and those of packages are named with the line of the program', () => {
  const native = block('JSON.parse < parseIt a.js:7', { cause: 'native', request: REQUEST })
  const [parse] = judged(times(20, native))
  assert.deepEqual([parse.function, parse.evidence.native], ['parseIt', 'JSON.parse'])
  assert.match(parse.evidence.text, /^Held the loop in JSON\.parse 20 times/)
  assert.match(parse.fix, /transforms\.json\.parse\(\)/)

  const hash = block('pbkdf2Sync node:internal/crypto/pbkdf2:60 < hash a.js:3', { cause: 'native', request: REQUEST })
  assert.match(judged(times(20, hash))[0].fix, /transforms\.pbkdf2/)

  const inPackage = block('deep node_modules/lodash/x.js:5 < cloneDeep node_modules/lodash/y.js:2 < copy a.js:8', {
    request: REQUEST
  })
  const [clone] = judged(times(20, inPackage))
  assert.deepEqual([clone.function, clone.line, clone.evidence.native], ['copy', 8, 'cloneDeep of lodash'])

  const alone = block(`scan node_modules/@scope/tool/x.js:5 < ${HTTP}`, { request: REQUEST })
  const [scan] = judged(times(20, alone))
  assert.deepEqual([scan.function, scan.evidence.native], ['scan', 'scan of @scope/tool'])
})

test('a late stack is mentioned', () => {
  const late = block('parseIt a.js:8', { cause: 'native', request: REQUEST })
  for (const sample of late.samples) Object.assign(sample, { capture: 'late', lateness: 12 })
  const [{ evidence }] = judged(times(20, late))
  assert.match(evidence.text, /captured 12 ms late: the guilty line may be an earlier one/)
})

test('a system call is another finding than a computation', () => {
  const call = block(
    `spawnSync node:internal/child_process:9 < execSync node:child_process:900 < run a.js:4 < ${HTTP}`,
    {
      cause: 'blocked',
      systemCall: 'epoll_wait',
      duration: 50,
      own: 50,
      request: REQUEST
    }
  )
  const [finding, ...others] = judged(times(20, call))
  assert.deepEqual(others, [])
  assert.deepEqual(
    [finding.id, finding.title, finding.function, finding.evidence.native, finding.evidence.systemCall],
    ['system-call', 'synchronous system call', 'run', 'execSync', 'epoll_wait']
  )
  assert.match(finding.fix, /execFile or spawn/)
})

test('a wait without a stack may be one for events', () => {
  const wait = block('', { cause: 'blocked', systemCall: 'epoll_pwait', duration: 60, own: 60 })
  assert.deepEqual(judged(times(50, wait), { requests: { count: 20, errors: 0, routes: [] } }), [])
})

test('JavaScript that runs is not in a system call', () => {
  const running = block(REPORT, { cause: 'blocked', systemCall: 'epoll_pwait', request: REQUEST })
  assert.deepEqual(brief(judged(times(20, running))), ['handler certain heavyCompute:31'])
  const late = structuredClone(running)
  for (const sample of late.samples) Object.assign(sample, { capture: 'late', lateness: 12 })
  assert.deepEqual(brief(judged(times(20, late))), ['system-call certain heavyCompute:31'])
})

test('titles name handlers, timers and others', () => {
  const title = (/** @type {FactBlock} */ it) =>
    judged(times(20, it), { requests: { count: 20, errors: 0, routes: [] } })[0].title
  assert.equal(title(block(REPORT, { request: REQUEST })), 'CPU in a handler')
  assert.equal(title(block('job a.js:1 < listOnTimeout node:internal/timers:500')), 'CPU in a timer')
  assert.equal(title(block('job a.js:1 < async main a.js:9')), 'CPU on the event loop')
})

test('work in streams and in awaited loops is left to their rules', () => {
  const write = block('hash a.js:2 < write a.js:3 < Writable.write node:internal/streams/writable:500')
  const awaited = block('validate a.js:2 < async processUsers a.js:3 [for of]')
  assert.deepEqual(judged([...times(20, write), ...times(20, awaited)]), [])
  // The callback of a write is not work for the stream.
  const callback = block('hash a.js:2 < <anonymous> a.js:3 < afterWrite node:internal/streams/writable:700', {
    request: REQUEST
  })
  assert.deepEqual(brief(judged(times(20, callback))), ['handler certain hash:2'])
})

test('threads and processes without requests may be busy', () => {
  const blocks = times(20, block(REPORT, { duration: 400, own: 400 }))
  const server = { blocks: [], ...routes(20) }
  const none = { count: 0, errors: 0, routes: [] }
  assert.deepEqual(judge(facts([server, { role: 'thread', thread: 3, blocks, requests: none }]), SETUP), [])
  assert.deepEqual(judge(facts([server, { pid: 11, blocks, requests: none }]), SETUP), [])
})

test('a thread that was examined for itself is judged', () => {
  const blocks = times(20, block(REPORT, { duration: 400, own: 400 }))
  const none = { count: 0, errors: 0, routes: [] }
  const judgedAs = (/** @type {'thread' | 'process'} */ role) => judge(facts([{ role, blocks, requests: none }]), SETUP)
  assert.equal(judgedAs('thread').length, 1)
  assert.deepEqual(brief(judgedAs('thread')), brief(judgedAs('process')))
})

test('a program without requests is likely, and possible if it computes all the time', () => {
  const without = { ...SETUP, requests: 0 }
  const none = { count: 0, errors: 0, routes: [] }
  const job = 'heavyCompute report.js:31 < async run report.js:44'
  const some = facts([{ blocks: times(20, block(job)), requests: none }])
  assert.deepEqual(brief(judge(some, without)), ['handler likely heavyCompute:31'])
  const all = facts([{ blocks: times(20, block(job, { duration: 450, own: 450 })), requests: none }])
  assert.deepEqual(brief(judge(all, without)), ['handler possible heavyCompute:31'])
})

test('requests that are not counted are known by their stacks', () => {
  const blocks = times(
    20,
    block(`primes a.js:3 < onSessionHeaders node:internal/http2/core:400`, { duration: 450, own: 450 })
  )
  const all = facts([{ blocks, requests: { count: 0, errors: 0, routes: [] } }])
  assert.deepEqual(brief(judge(all, { ...SETUP, requests: 0 })), ['handler likely primes:3'])
})

test('processes of a cluster are one finding', () => {
  const workers = [1, 2, 3].map(pid => {
    const blocks = times(10, block(REPORT, { request: REQUEST }))
    return { pid, role: /** @type {const} */ ('cluster worker'), blocks, ...routes(10) }
  })
  const findings = judge(facts(workers), SETUP)
  assert.deepEqual(brief(findings), ['handler certain heavyCompute:31'])
  assert.deepEqual([findings[0].evidence.count, findings[0].evidence.processes], [30, 3])
  assert.ok(Math.abs(Number(findings[0].evidence.share) - 0.04) < 1e-9)
})

test('blocks without a stack are attributed by the profile', () => {
  const blocks = times(20, block('', { cause: 'native' }))
  assert.deepEqual(brief(judged(blocks, { requests: { count: 20, errors: 0, routes: [] } })), ['handler possible :0'])
  const nodes = [
    { id: 1, parent: -1, name: '(root)', file: '', line: 0, column: 0, self: 0 },
    { id: 2, parent: 1, name: 'sign', file: '/srv/a.js', line: 12, column: 3, self: 1 },
    { id: 3, parent: 2, name: 'signOneShot', file: 'node:internal/crypto/sig', line: 1, column: 1, self: 10 },
    { id: 4, parent: 3, name: '(native)', file: '', line: 0, column: 0, self: 700 },
    { id: 5, parent: 1, name: 'idle', file: '/srv/b.js', line: 1, column: 1, self: 5 }
  ]
  const profile = { interval: 10, samples: 80, nodes }
  const found = judged(blocks, { requests: { count: 20, errors: 0, routes: [] }, profile })
  assert.deepEqual(brief(found), ['handler likely sign:12'])
})

test('blocks without a stack join those of the function that the profile names', () => {
  const nodes = [
    { id: 1, parent: -1, name: 'run', file: '/srv/a.js', line: 3, column: 1, self: 0 },
    { id: 2, parent: 1, name: 'spawnSync', file: 'node:internal/child_process', line: 9, column: 1, self: 2000 }
  ]
  const call = { cause: /** @type {const} */ ('blocked'), duration: 50, own: 50 }
  const known = block('spawnSync node:internal/child_process:9 < execSync node:child_process:900 < run a.js:4', call)
  const blocks = [...times(10, known), ...times(10, block('', call))]
  const requests = { count: 20, errors: 0, routes: [] }
  const findings = judged(blocks, { requests, profile: { interval: 10, samples: 200, nodes } })
  assert.deepEqual(brief(findings), ['system-call certain run:4'])
  assert.equal(findings[0].evidence.count, 20)
})

// A full loop: many ready callbacks make an iteration as long as a block.

/** Blocks of an endpoint that takes 2 ms for each of 20 connections. */
const CROWD = times(200, block(`render page.js:3 < ${HTTP}`, { duration: 40, own: 40, request: REQUEST, waited: 7 }))

test('many short requests in an iteration do not accuse their handler', () => {
  const findings = judged(CROWD, { ...routes(4000), loop: loop({ utilization: 0.95, hold: 39 }) })
  assert.deepEqual(brief(findings), ['saturated possible :0'])
  assert.match(
    findings[0].evidence.text,
    /200 iterations of the loop took 40 ms each because many short callbacks were ready/
  )
})

test('short requests are known by those that begin within the blocks, without figures of the loop', () => {
  assert.deepEqual(brief(judged(CROWD, routes(4000))), ['saturated possible :0'])
  const starved = CROWD.map(it => ({ ...it, duration: 120, starved: 80 }))
  assert.deepEqual(brief(judged(starved, routes(4000))), ['saturated possible :0'])
})

test('long requests of a route are accused although others are many', () => {
  const blocks = times(20, block(REPORT, { request: REQUEST, waited: 19 }))
  const fields = { ...routes(20), loop: loop({ utilization: 0.95, hold: 39 }) }
  fields.requests.count = 100_000
  assert.deepEqual(brief(judged(blocks, fields)), ['handler certain heavyCompute:31'])
})

test('progress between stacks proves long calls among many requests, and short ones', () => {
  const fields = { ...routes(5000), loop: loop({ utilization: 0.95, hold: 39 }) }
  fields.requests.count = 5000
  const stacks = 'work a.js:1 < async handler a.js:5'
  const long = block(stacks, { duration: 80, own: 80, progress: [100, 100, 139] })
  const short = block(stacks, { duration: 80, own: 80, progress: [100, 112, 128] })
  const single = block(stacks, { duration: 35, own: 35, progress: [100, 116] })
  const starved = block(stacks, { duration: 80, own: 30, starved: 50, cause: 'starved', progress: [100, 102, 116] })
  assert.deepEqual(brief(judged(times(50, long), fields)), ['handler certain work:1'])
  for (const it of [short, single, starved]) {
    assert.deepEqual(brief(judged(times(100, it), { ...fields, loop: loop() })), ['saturated possible :0'])
  }
  // A long one among many short ones is an exception, such as a garbage collection.
  assert.deepEqual(brief(judged([long, ...times(49, short)], fields)), ['saturated possible :0'])
})

test('a function that waits is a system call, also beside computations in one block', () => {
  const it = block('Atomics.wait < sleep a.js:3 < handler a.js:9', { duration: 60, own: 60 })
  assert.deepEqual(brief(judged(times(20, it))), ['system-call certain sleep:3'])
})

test('a single long system call beside busy processes is a hint', () => {
  const wait = { duration: 300, own: 300, cause: /** @type {const} */ ('blocked'), systemCall: 'read' }
  const call = block('spawn node:internal/child_process:9 < convert a.js:3', wait)
  const judgedWith = (/** @type {number} */ starved) =>
    brief(judged([call], { rows: rows(index => ({ starved: index * starved })) }))
  assert.deepEqual(judgedWith(0), ['system-call likely convert:3'])
  assert.deepEqual(judgedWith(50), ['system-call possible convert:3'])
})

test('slices of calls that yield are not one long call', () => {
  const frames = 'step a.js:4 < run a.js:9 < processImmediate node:internal/timers:500'
  const blocks = times(20, block(frames, { duration: 40, own: 40, request: REQUEST }))
  const judgedWith = (/** @type {number} */ immediates) =>
    brief(judged(blocks, { ...routes(20), rows: rows(() => ({ immediates })) }))
  assert.deepEqual(judgedWith(4), [])
  assert.deepEqual(judgedWith(1), ['handler certain step:4'])
  // Callbacks that the events of the iteration set run in it.
  assert.deepEqual(judgedWith(0), ['handler certain step:4'])
})

test('a wait for a lock is a hint, unless the program waits', () => {
  const wait = { duration: 300, own: 300, cause: /** @type {const} */ ('blocked'), systemCall: 'futex' }
  assert.deepEqual(brief(judged([block('post node:worker:9 < run a.js:3', wait)])), ['system-call possible run:3'])
  const call = block('Atomics.wait < sleep a.js:3 < handler a.js:9', wait)
  assert.deepEqual(brief(judged([call])), ['system-call likely sleep:3'])
})

test('a late stack proves a long native call among many short requests', () => {
  const fields = { ...routes(5000), loop: loop({ utilization: 0.95, hold: 39 }) }
  fields.requests.count = 5000
  const pack = (/** @type {number} */ lateness, gc = 0) => {
    const it = block('pack a.js:1 < handler a.js:5', { duration: 80, own: 80, gc })
    for (const sample of it.samples) Object.assign(sample, { capture: 'late', lateness })
    return it
  }
  assert.deepEqual(brief(judged(times(60, pack(50)), fields)), ['handler certain pack:1'])
  assert.deepEqual(brief(judged(times(60, pack(6)), fields)), ['saturated possible :0'])
  assert.deepEqual(brief(judged(times(60, pack(50, 45)), fields)), ['saturated possible :0'])
})

test('a block whose stacks share no function is not one function', () => {
  const names = Array.from({ length: 120 }, (_, index) => `f${index} a.js:${index + 1} < ${HTTP}`)
  const blocks = names.map(name => block(name, { duration: 30, own: 30 }))
  assert.deepEqual(brief(judged(blocks)), ['saturated possible :0'])
})

test('frames of stacks are parsed as expected', () => {
  assert.deepEqual(stack('async f a.js:3 [for of] < emit node:events:5'), [
    {
      name: 'f',
      file: '/srv/a.js',
      line: 3,
      column: 5,
      isAsync: true,
      isUser: true,
      loop: { kind: 'for of', line: 1 }
    },
    { name: 'emit', file: 'node:events', line: 5, column: 5, isAsync: false, isUser: false }
  ])
})

test('the function that the line calls decides the fix', () => {
  const hash = 'String.replace < normalize node:internal/crypto/hash:9 < createHash node:crypto:4 < sign a.js:3'
  assert.match(judged(times(20, block(hash)))[0].fix, /transforms\.digest/)
  assert.match(judged(times(20, block('String.replace < clean a.js:3')))[0].fix, /transforms\.text\.matches/)
})

test('late stacks are replaced by the function that the profile shows', () => {
  const sampled = block('use report.js:60 < handle report.js:31', { cause: 'native' })
  const samples = sampled.samples.map(sample => ({ ...sample, capture: /** @type {const} */ ('late'), lateness: 15 }))
  const late = times(10, { ...sampled, samples })
  const at = (/** @type {string} */ name, /** @type {number} */ line) => ({
    name,
    file: '/srv/report.js',
    line,
    column: 1
  })
  const nodes = (/** @type {number} */ self) => [
    { id: 1, parent: -1, ...at('handle', 30), self: 2 },
    { id: 2, parent: 1, ...at('clone', 40), self: 5, work: { line: 42, column: 3 } },
    { id: 3, parent: 2, name: 'structuredClone', file: 'node:internal/worker', line: 1, column: 1, self },
    { id: 4, parent: 1, ...at('use', 59), self: 1 },
    { id: 5, parent: -1, ...at('elsewhere', 80), self: 3000 }
  ]
  const requests = { count: 10, errors: 0, routes: [] }
  const found = (/** @type {number} */ self) =>
    judged(late, { requests, profile: { interval: 10, samples: 50, nodes: nodes(self) } })
  const [finding, ...others] = found(600)
  assert.deepEqual(others, [])
  assert.deepEqual(brief([finding]), ['handler certain clone:42'])
  assert.deepEqual(
    finding.frames.map(({ name }) => name),
    ['clone', 'handle']
  )
  assert.doesNotMatch(finding.evidence.text, /late/)
  assert.deepEqual(brief(found(100)), ['handler certain use:60'])
  // The function is the one of the stack, and the profile has no line of it.
  const [use] = judged(late, { profile: { interval: 10, samples: 50, nodes: [{ ...nodes(0)[3], self: 600 }] } })
  assert.deepEqual([use.function, use.line], ['use', 60])
})

test('a native call after the one that held the loop is not accused', () => {
  const after = block('Map.set < report a.js:27 < handler a.js:9', { request: REQUEST })
  const at = (/** @type {number} */ id, /** @type {number} */ parent, /** @type {object} */ fields) => {
    return { id, parent, name: 'report', file: '/srv/a.js', line: 14, column: 5, self: 0, ...fields }
  }
  const found = (/** @type {number} */ time) => {
    const nodes = [
      at(1, -1, {}),
      at(2, 1, { name: 'matches', line: 18, self: 1500 }),
      at(3, 1, { name: 'set', file: '', line: 0, self: time })
    ]
    return brief(judged(times(20, after), { profile: { interval: 10, samples: 500, nodes } }))
  }
  assert.deepEqual(found(5), ['handler certain matches:18'])
  assert.deepEqual(found(1500), ['handler certain report:27'])
})

test('a function that the profile contradicts is not accused', () => {
  const stacks = 'end report.js:9 < report report.js:44'
  const node = (/** @type {string} */ name, /** @type {number} */ id, /** @type {number} */ self) => {
    return { id, parent: id - 1, name, file: '/srv/report.js', line: 1, column: 1, self }
  }
  const functions = (/** @type {number} */ self) => {
    const nodes = [node('report', 1, 4000), node('end', 2, self)]
    const findings = judged(times(20, block(stacks)), { profile: { interval: 10, samples: 500, nodes } })
    return findings.map(({ id, function: name }) => `${id} ${name}`)
  }
  assert.deepEqual(functions(500), ['handler end'])
  assert.deepEqual(functions(20), [])
})
