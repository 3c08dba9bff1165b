'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { fold } = require('../../lib/doctor/judge/fold.js')
const { judge } = require('../../lib/doctor/judge/judge.js')
const sites = require('../../lib/doctor/judge/sites.js')
const statistics = require('../../lib/doctor/judge/statistics.js')
const { FROM, NO_DURATIONS, TIME, block, facts, loop, rows, stack, times } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../doctor').Finding} Finding
 * @typedef {import('../../lib/doctor/facts').Facts} Facts
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/judge/judge').Judge} Judge
 */

/**
 * @param {Partial<Parameters<typeof sites.finding>[0]> & { frames?: any }} [parts]
 * @returns {Finding}
 */
function finding(parts = {}) {
  const { frames = stack('work a.js:3 < handler a.js:9') } = parts
  return sites.finding({
    rule: 6,
    id: 'handler',
    title: 'CPU in a handler',
    confidence: 'certain',
    evidence: { text: 'Held the loop.' },
    fix: 'pool.run',
    ...parts,
    frames
  })
}

/**
 * @param {Finding[]} findings
 * @param {Partial<Judge>} [parts]
 * @returns {Judge}
 */
function judgeOf(findings, parts = {}) {
  return {
    rules: [
      { rule: 6, id: 'handler', title: 'CPU that holds the loop' },
      { rule: 1, id: 'race', title: 'loads that race across an await' }
    ],
    judge: () => findings,
    ...parts
  }
}

/**
 * @param {Finding[]} findings
 * @param {{ facts?: Facts, options?: Partial<Parameters<typeof judge>[1]>, parts?: Partial<Judge> }} [setup]
 */
function report(findings, { facts: all = facts([{}]), options = {}, parts = {} } = {}) {
  return judge(all, { threshold: 25, ...options }, [judgeOf(findings, parts)])
}

test('a report without findings is clean, and has the frame of the run', () => {
  const { version, node, command, began, duration, requests, cores, verdict, findings, conditions, rules } = report([])
  assert.deepEqual(
    { version, node, command, began, duration, requests, cores, verdict, findings, conditions },
    {
      version: 1,
      node: 'v24.0.0',
      command: ['node', 'server.js'],
      began: FROM,
      duration: TIME,
      requests: 1000,
      cores: 2,
      verdict: 'clean',
      findings: [],
      conditions: []
    }
  )
  assert.deepEqual(rules, [
    { rule: 6, id: 'handler', title: 'CPU that holds the loop', looked: true },
    { rule: 1, id: 'race', title: 'loads that race across an await', looked: true }
  ])
})

test('all judges run on the facts of a healthy program and find nothing', () => {
  const { verdict, findings, rules } = judge(facts([{ loop: loop(), rows: rows(() => ({})) }]), { threshold: 25 })
  assert.deepEqual([verdict, findings], ['clean', []])
  const numbers = new Set(rules.map(({ rule }) => rule))
  for (const rule of [1, 2, 3, 4, 5, 6, 7, 8, 'pool-wait', 'concurrency'])
    assert.ok(numbers.has(/** @type {any} */ (rule)), String(rule))
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length)
})

test('judges receive the time, the requests and the threshold', () => {
  /** @type {unknown[]} */
  const setups = []
  const record = (/** @type {unknown} */ _, /** @type {unknown} */ setup) => {
    setups.push(setup)
    return []
  }
  report([], { parts: { judge: record } })
  assert.deepEqual(setups, [{ seconds: 10, requests: 1000, threshold: 25 }])
})

test('findings are ordered by confidence and by the time that they cost', () => {
  const at = (/** @type {number} */ line) => stack(`work a.js:${line}`)
  const { verdict, findings } = report([
    finding({ confidence: 'possible', time: 900, frames: at(1) }),
    finding({ confidence: 'certain', time: 5, frames: at(2) }),
    finding({ confidence: 'likely', time: 500, frames: at(3) }),
    finding({ confidence: 'certain', time: 50, frames: at(4) })
  ])
  assert.equal(verdict, 'findings')
  assert.deepEqual(
    findings.map(({ line }) => line),
    [4, 2, 3, 1]
  )
})

test('a fault of several processes is one finding', () => {
  const { findings } = report([
    finding({ time: 10 }),
    finding({ time: 30 }),
    finding({ time: 20, confidence: 'likely' }),
    finding({ frames: stack('other a.js:7') })
  ])
  assert.deepEqual(
    findings.map(({ line, time }) => [line, time]),
    [
      [3, 30],
      [7, 0]
    ]
  )
})

test('only the selected rules are reported, by number or id', () => {
  const both = [finding(), finding({ rule: 1, id: 'race', frames: stack('login a.js:1') })]
  const { findings, rules } = report(both, { options: { only: ['1'] } })
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['race']
  )
  assert.deepEqual(
    rules.map(({ id, looked, reason }) => [id, looked, reason]),
    [
      ['handler', false, 'not selected'],
      ['race', true, undefined]
    ]
  )
  assert.deepEqual(
    report(both, { options: { only: ['handler'] } }).findings.map(({ id }) => id),
    ['handler']
  )
})

test('ignored findings are left out, and listed with their reason', () => {
  const ignore = (/** @type {Partial<import('../../lib/doctor/judge/judge').Ignored>} */ it) =>
    report([finding()], { options: { ignore: [{ rule: '6', file: 'a.js', line: 3, reason: 'known', ...it }] } })
  for (const it of [{}, { rule: 'handler' }, { file: './a.js' }, { file: '/srv/a.js' }, { file: 'srv/a.js' }]) {
    const { verdict, findings, rules } = ignore(it)
    const text = `${it.file ?? 'a.js'}:3 is ignored: known`
    assert.deepEqual([verdict, findings.length, rules[0].reason], ['clean', 0, text], JSON.stringify(it))
  }
  for (const it of [{ rule: '4' }, { line: 4 }, { file: 'v/a.js' }, { file: 'b.js' }]) {
    assert.deepEqual(ignore(it).findings.length, 1, JSON.stringify(it))
  }
})

test('an ignored line without a finding is listed, unless the run is inconclusive', () => {
  const options = { ignore: [{ rule: '6', file: 'b.js', line: 7, reason: 'known' }] }
  assert.equal(report([finding()], { options }).rules[0].reason, 'b.js:7 is ignored, but has no finding')
  assert.equal(report([], { options, facts: short(10, 1000) }).rules[0].reason, undefined)
})

test('paths of Windows match with slashes', () => {
  const frame = { ...stack('work a.js:3')[0], file: 'C:\\srv\\app\\a.js' }
  const options = { ignore: [{ rule: '6', file: 'app/a.js', line: 3 }] }
  assert.equal(report([finding({ frames: [frame] })], { options }).findings.length, 0)
})

test('requests of HTTP/2, which rows alone have, are counted', () => {
  const all = facts([{ requests: { count: 0, errors: 0, routes: [] }, rows: rows(() => ({ requests: 10 })) }])
  assert.equal(report([], { facts: all }).requests, 400)
})

test('rules that could not look report why', () => {
  const some = facts([{ blind: { race: 'Map.prototype is frozen' } }, { pid: 11 }])
  assert.deepEqual(report([], { facts: some }).rules[1], {
    rule: 1,
    id: 'race',
    title: 'loads that race across an await',
    looked: true,
    reason: 'not checked in 1 of 2 processes: Map.prototype is frozen'
  })
  const all = facts([{ blind: { race: 'Map.prototype is frozen' } }, { pid: 11, blind: { race: 'it too' } }])
  const [handler, race] = report([], { facts: all }).rules
  assert.deepEqual([handler.looked, race.looked, race.reason], [true, false, 'Map.prototype is frozen'])
})

test('rules that need stacks of blocks share the reason', () => {
  const blind = facts([{ blind: { handler: 'V8 does not export the functions of interrupts' } }])
  const { rules } = judge(blind, { threshold: 25 })
  const status = (/** @type {string} */ id) => rules.find(rule => rule.id === id)?.looked
  assert.deepEqual(['handler', 'system-call', 'await-loop', 'race'].map(status), [false, false, false, true])
})

test('notes of judges are shown', () => {
  const { rules } = report([], { parts: { notes: () => ({ handler: '300 ms of module loading was ignored' }) } })
  assert.deepEqual([rules[0].looked, rules[0].reason], [true, '300 ms of module loading was ignored'])
})

// Runs that say too little.

/**
 * @param {number} requests
 * @param {number} time
 */
function short(requests, time) {
  const measured = { from: FROM, to: FROM + time }
  return facts([{ requests: { count: requests, errors: 0, routes: [] }, measured }], { measured })
}

test('few requests in a short time are inconclusive; one of both suffices', () => {
  const { verdict, reason } = report([finding()], { facts: short(199, 4900) })
  assert.deepEqual(
    [verdict, reason],
    ['inconclusive', '199 requests in 4.9 s were measured; 200 requests or 5 s are needed']
  )
  assert.equal(report([], { facts: short(200, 1000) }).verdict, 'clean')
  assert.equal(report([], { facts: short(0, 5000) }).verdict, 'clean')
})

test('a run that measured nothing is inconclusive, and its rules did not look', () => {
  const { measured: _, ...all } = facts([])
  const { verdict, reason, rules, duration } = report([], { facts: all })
  assert.deepEqual([verdict, duration], ['inconclusive', 0])
  assert.match(String(reason), /no process was measured/)
  assert.ok(rules.every(rule => !rule.looked && rule.reason === 'nothing was measured'))
})

test('a load that does not arrive is inconclusive', () => {
  const load = { requests: 0, errors: 900, connections: 10, durations: NO_DURATIONS }
  const { verdict, reason } = report([], { facts: { ...short(0, TIME), load } })
  assert.deepEqual([verdict, reason], ['inconclusive', 'no request of the load arrived'])
})

/**
 * @param {Partial<Facts>} [fields]
 * @param {number} [processorTime]
 */
function starved(fields, processorTime = 0) {
  return facts([{ rows: rows(index => ({ utilization: 0.9, starved: 400 + index * 120 })), processorTime }], fields)
}

test('a machine that takes the cores away is inconclusive, unless a fault was certain', () => {
  const { verdict, reason } = report([finding({ confidence: 'likely' })], { facts: starved() })
  assert.deepEqual(
    [verdict, reason],
    ['inconclusive', 'the program was ready to run but got no core for 47 % of the time']
  )
  assert.equal(report([finding()], { facts: starved() }).verdict, 'findings')
})

test('a program that starves itself is judged', () => {
  // All threads count: those of a pool of workers, for example.
  assert.equal(report([], { facts: starved({ cores: 2 }, 1.6 * TIME) }).verdict, 'clean')
  assert.equal(report([], { facts: starved({ cores: 2 }, TIME) }).verdict, 'inconclusive')
  // The loop used all of the quota.
  assert.equal(report([], { facts: starved({ quota: 0.5 }) }).verdict, 'clean')
})

// Summaries.

test('blocks are summarized by their own and by their whole time', () => {
  const blocks = [
    block('a a.js:1', { duration: 100, own: 40, starved: 60 }),
    block('a a.js:1', { duration: 60, own: 60 })
  ]
  const warmup = block('a a.js:1', { began: FROM - 10, duration: 500, own: 500 })
  const all = facts([{ blocks: [...blocks, warmup], loop: loop({ utilization: 0.4, hold: 2, starved: 60 }) }])
  const { loop: summary } = report([], { facts: all })
  assert.deepEqual(summary.blocks, {
    count: 2,
    own: { p50: 40, p99: 60, max: 60, total: 100 },
    wall: { p50: 60, p99: 100, max: 100, total: 160 }
  })
  assert.deepEqual([summary.utilization, summary.starved, summary.hold.p50, summary.hold.max], [0.4, 60, 2, 6])
})

test('iterations of the doctor are not the longest ones', () => {
  const held = loop()
  const snapshot = { ...held, hold: { ...held.hold, max: 4000 } }
  const longest = (/** @type {Partial<import('../../lib/doctor/facts').ProcessFacts>} */ fields) =>
    judge(facts([{ loop: snapshot, ...fields }]), { threshold: 25 }).loop.hold.max
  assert.equal(longest({ blocks: [block('', { duration: 300 })] }), 300)
  assert.equal(longest({}), 25)
  // A block that was not recorded may have been longer.
  assert.equal(longest({ dropped: 1 }), 4000)
})

test('garbage collections and the heap are those of the process that is worst', () => {
  const growing = rows(index => ({
    heapUsed: 2e7 + (index % 4) * 1e6 + index * 5e5,
    gc: 10,
    longestGc: index === 3 ? 30 : 4
  }))
  const containers = [
    { kind: /** @type {const} */ ('Map'), name: 'cache', path: 'cache', entries: [1, 9], bytes: [10, 900] }
  ]
  const all = facts([{ rows: rows(() => ({ gc: 1 })) }, { pid: 11, rows: growing, heapLimit: 2e9, containers }])
  const { gc, heap } = report([], { facts: all })
  assert.deepEqual(gc, { share: 0.04, longest: 30, total: 400 })
  assert.deepEqual([heap.limit, heap.containers], [2e9, containers])
  // Two megabytes a second, by the least heap of each part.
  assert.ok(Math.abs(heap.growth - 2e6) < 1e5, String(heap.growth))
})

test('growth is that after major collections if there are enough', () => {
  const majors = [0, 1, 2, 3].map(index => ({ at: FROM + index * 1000, heapUsed: 3e7 + index * 1e6, external: 1e6 }))
  const { heap } = report([], { facts: facts([{ majors, rows: rows(() => ({})) }]) })
  assert.equal(heap.growth, 1e6)
})

test('requests are those that the load saw, or that the processes served', () => {
  const durations = { ...NO_DURATIONS, count: 9, p50: 3, p99: 9 }
  const served = facts([{ requests: { count: 1000, errors: 4, routes: [], durations } }])
  assert.deepEqual(report([], { facts: served }).request, { p50: 3, p99: 9, errors: 4 })
  const load = { requests: 1000, errors: 7, connections: 10, durations: { ...durations, p50: 5, p99: 20 } }
  assert.deepEqual(report([], { facts: { ...served, load } }).request, { p50: 5, p99: 20, errors: 7 })
})

test('routes of all processes have the time that they held, and that they waited for others', () => {
  const durations = { ...NO_DURATIONS, count: 500, mean: 2 }
  const route = (/** @type {string} */ path, /** @type {number} */ count) => {
    return { method: 'GET', route: path, count, errors: 1, durations, held: 0, waited: 0 }
  }
  const request = /** @type {const} */ ({ method: 'GET', route: '/report', certainty: 'exact' })
  const process = () => ({
    requests: { count: 1000, errors: 0, routes: [route('/ping', 900), route('/report', 100)] },
    blocks: times(2, block('work a.js:1', { duration: 65, own: 60, request, waited: 10 }))
  })
  const { routes } = report([], { facts: facts([process(), { ...process(), pid: 11 }]) })
  assert.deepEqual(
    routes.map(it => [it.route, it.count, it.errors, it.held, it.waited]),
    [
      ['/report', 200, 2, 240, 0],
      // Ten requests for half of 40 ms, four times, of which nine tenths are its own.
      ['/ping', 1800, 2, 0, 720]
    ]
  )
})

test('processes, timelines, calls, the profile and the cost are summarized', () => {
  const nodes = [
    { id: 7, parent: -1, name: '(root)', file: '', line: 0, column: 0, self: 0 },
    { id: 9, parent: 7, name: 'work', file: '/srv/a.js', line: 3, column: 1, self: 120 }
  ]
  const call = {
    kind: 'pg',
    target: 'db',
    call: 'SELECT',
    calls: 5,
    duplicates: 1,
    concurrent: 2,
    meanDuration: 3,
    hashes: {},
    sequential: 0,
    sequentialRequests: 0,
    frames: []
  }
  const all = facts([
    {
      rows: rows(() => ({ utilization: 0.25, rss: 9e7 })),
      blocks: [block(['', 'work a.js:3'], { duration: 60, own: 60 })],
      dropped: 3,
      downstream: [call],
      profile: { interval: 10, samples: 12, nodes },
      cost: { profile: 100, ticks: 25 }
    },
    { pid: 11, requests: { count: 0, errors: 0, routes: [] }, cost: { ticks: 25 } }
  ])
  const { processes, timeline, downstream, flame, cost } = report([], { facts: all })
  assert.deepEqual(processes[0], {
    pid: 10,
    thread: 0,
    role: 'process',
    script: '/srv/server.js',
    requests: 1000,
    utilization: 0.25,
    blocks: 4,
    rss: 9e7
  })
  assert.equal(processes.length, 2)
  assert.deepEqual(
    timeline.map(({ pid, rows: list, blocks }) => [pid, list.length, blocks]),
    [[10, 40, [{ at: FROM + 100, duration: 60, cause: 'cpu', function: 'work', file: '/srv/a.js', line: 3 }]]]
  )
  assert.deepEqual(downstream, [
    { kind: 'pg', target: 'db', call: 'SELECT', calls: 5, duplicates: 1, concurrent: 2, meanDuration: 3 }
  ])
  assert.deepEqual(flame, {
    nodes: [
      { parent: -1, name: '(root)', file: '', line: 0, self: 0 },
      { parent: 0, name: 'work', file: '/srv/a.js', line: 3, self: 120 }
    ],
    samples: 12
  })
  assert.deepEqual(Object.keys(cost.parts), ['profile', 'ticks', 'sampling', 'requests', 'calls'])
  assert.deepEqual([cost.parts.profile, cost.parts.ticks], [100, 50])
})

test('the cost includes the sampling, requests and calls, and is relative to the processor time of all threads', () => {
  /** @param {object} more */
  const costOf = more => {
    const { share, parts } = report([], { facts: facts([{ cost: {}, processorTime: 4000, ...more }]) }).cost
    assert.ok(Math.abs(share - Object.values(parts).reduce((sum, time) => sum + time, 0) / 4000) < 1e-9)
    return parts
  }
  const busy = { rows: rows(() => ({ utilization: 0.25, requests: 0 })), requests: { count: 0, errors: 0, routes: [] } }
  assert.deepEqual(costOf(busy), {})
  const few = costOf({ ...busy, profile: { interval: 10, samples: 1000, nodes: [] } })
  const many = costOf({ ...busy, profile: { interval: 1, samples: 10_000, nodes: [] } })
  assert.ok(few.sampling < many.sampling && many.sampling < 10 * few.sampling)
  const [one, two] = [1000, 2000].map(count => costOf({ ...busy, requests: { count, errors: 0, routes: [] } }).requests)
  assert.equal(two, 2 * one)
})

test('a report survives JSON', () => {
  const all = facts([{ blocks: times(9, block('work a.js:1 < handler a.js:2')), loop: loop(), rows: rows(() => ({})) }])
  const judged = judge(all, { threshold: 25 })
  assert.deepEqual(JSON.parse(JSON.stringify(judged)), judged)
  assert.equal(
    JSON.stringify(judged).includes('null'),
    judged.flame === null && JSON.stringify(judged).includes('"flame":null')
  )
})

// Findings that another one explains.

/** @param {Finding[]} findings */
function folded(findings) {
  return fold(findings).map(({ id, evidence }) => {
    const also = /** @type {any[] | undefined} */ (evidence.also)
    return also === undefined ? id : `${id} (${also.map(it => it.id).join()})`
  })
}

test('a worker for each request explains its block, its listeners and its memory', () => {
  const start = stack('runTask a.js:4 < handler a.js:9')
  const worker = finding({ rule: 8, id: 'worker', frames: start })
  const holds = finding({ frames: stack('new Worker node:internal/worker:200 < runTask a.js:4 < handler a.js:9') })
  const listeners = finding({ rule: 2, id: 'listeners', frames: stack('on node:events:9 < runTask a.js:4') })
  const heap = finding({ rule: 5, id: 'growth', confidence: 'likely', frames: [] })
  assert.deepEqual(folded([holds, listeners, heap, worker]), ['worker (handler,listeners,growth)'])
  const other = finding({ frames: stack('report b.js:1') })
  const named = finding({ rule: 5, id: 'container', name: 'cache', frames: [] })
  assert.deepEqual(folded([worker, other, named]), ['worker', 'handler', 'container'])
})

test('an awaited loop explains cheaper work of its function', () => {
  const loop = finding({ rule: 4, id: 'await-loop', frames: stack('plan a.js:50'), time: 900 })
  const between = finding({ frames: stack('plan a.js:20 < handler a.js:90'), time: 200 })
  const callee = finding({ frames: stack('pop b.js:3 < plan a.js:30 < handler a.js:90'), time: 100 })
  const other = finding({ frames: stack('report b.js:1 < async plan a.js:30'), time: 100 })
  assert.deepEqual(folded([loop, between, callee, other]), ['await-loop (handler,handler)', 'handler'])
  const costly = finding({ frames: stack('plan a.js:20'), time: 2000 })
  assert.deepEqual(folded([loop, costly]), ['await-loop', 'handler'])
})

test('an awaited loop explains little work of the function that it calls', () => {
  const frames = stack('price a.js:9 < plan a.js:50 < handler a.js:90')
  const loop = finding({ rule: 4, id: 'await-loop', frames, frame: frames[1], time: 900 })
  const first = finding({ frames: stack('price a.js:7'), time: 100 })
  assert.deepEqual(folded([loop, first]), ['await-loop (handler)'])
  assert.deepEqual(folded([loop, finding({ frames: stack('price a.js:7'), time: 500 })]), ['await-loop', 'handler'])
  assert.deepEqual(folded([loop, finding({ frames: stack('price b.js:7'), time: 100 })]), ['await-loop', 'handler'])
})

test('work in a stream explains the time of its function', () => {
  const work = finding({ rule: 3, id: 'work-in-write', frames: stack('_transform a.js:4') })
  const late = finding({ frames: stack('_transform a.js:5') })
  const other = finding({ frames: stack('report a.js:40') })
  assert.deepEqual(folded([work, late, other]), ['work-in-write (handler)', 'handler'])
})

test('listeners of a signal explain the time that adding one takes', () => {
  const line = stack('addEventListener node:internal/event_target:600 < digest a.js:4 < handler a.js:9')
  const listeners = finding({ rule: 2, id: 'abort-signals', frames: stack('digest a.js:4') })
  const other = finding({ frames: stack('report b.js:1') })
  assert.deepEqual(folded([listeners, finding({ frames: line }), other]), ['abort-signals (handler)', 'handler'])
})

test('listeners explain memory that they hold, not a named container', () => {
  const listeners = finding({ rule: 2, id: 'listeners', frames: stack('handler a.js:4') })
  const evidence = { text: 'grows', path: 'emitter._events.data' }
  assert.deepEqual(folded([listeners, finding({ rule: 5, id: 'growth', frames: [], name: 'data', evidence })]), [
    'listeners (growth)'
  ])
  assert.deepEqual(folded([listeners, finding({ rule: 5, id: 'growth', frames: [] })]), ['listeners (growth)'])
  const cache = finding({
    rule: 5,
    id: 'growth',
    frames: [],
    name: 'cache',
    evidence: { text: 'grows', path: 'SessionTimeouts.cache' }
  })
  assert.deepEqual(folded([listeners, cache]), ['listeners', 'growth'])
})

test('of two findings at one line the costlier one stays', () => {
  const cpu = finding({ time: 100 })
  const call = finding({ id: 'system-call', time: 900 })
  assert.deepEqual(folded([cpu, call]), ['system-call (handler)'])
  assert.deepEqual(folded([finding({ time: 900 }), finding({ id: 'system-call', time: 900 })]), [
    'handler (system-call)'
  ])
  assert.deepEqual(folded([cpu, finding({ id: 'system-call', frames: stack('read b.js:1') })]), [
    'handler',
    'system-call'
  ])
})

test('a function and the one that it calls are one fault, of the costlier one', () => {
  const caller = (/** @type {number} */ time) => finding({ time, frames: stack('plan a.js:4 < handler a.js:9') })
  const callee = (/** @type {number} */ time) =>
    finding({ time, frames: stack('orders a.js:1 < plan a.js:4 < handler a.js:9') })
  const lines = (/** @type {Finding[]} */ findings) => fold(findings).map(({ line }) => line)
  assert.deepEqual(lines([caller(900), callee(500)]), [4])
  assert.deepEqual(lines([caller(400), callee(500)]), [1])
  const sibling = finding({ time: 300, frames: stack('render a.js:2 < plan a.js:5 < handler a.js:9') })
  assert.deepEqual(lines([caller(900), sibling]), [4, 2])
})

test('garbage and the function that makes it are one fault, of the costlier one', () => {
  const pauses = (/** @type {number} */ time) => finding({ rule: 5, id: 'pauses', time, frames: stack('copy a.js:4') })
  const handler = finding({ time: 500, frames: stack('copy a.js:4 < handler a.js:9') })
  assert.deepEqual(folded([pauses(900), handler]), ['pauses (handler)'])
  assert.deepEqual(folded([pauses(400), handler]), ['handler (pauses)'])
  const other = finding({ rule: 5, id: 'pauses', time: 1, frames: stack('parse b.js:1') })
  assert.deepEqual(folded([other, handler]), ['pauses', 'handler'])
})

test('ignored backpressure explains the end of the stream, and a loop that writes to it', () => {
  const writes = finding({ rule: 3, id: 'backpressure', frames: stack('send a.js:4') })
  assert.deepEqual(folded([writes, finding({ time: 900, frames: stack('send a.js:6') })]), ['backpressure (handler)'])
  assert.deepEqual(folded([writes, finding({ frames: stack('report a.js:60') })]), ['backpressure', 'handler'])
  const loop = finding({ rule: 4, id: 'await-loop', frames: stack('send a.js:3') })
  assert.deepEqual(folded([writes, loop]), ['backpressure (await-loop)'])
})

test('a line of generated code explains nothing but its own calls', () => {
  const at = (/** @type {string} */ name, /** @type {number} */ column) => ({
    ...stack(`${name} bundle.js:1`)[0],
    column
  })
  const worker = finding({ rule: 8, id: 'worker', frames: [at('a', 100)] })
  const inside = finding({ frames: [at('b', 900), at('a', 100)] })
  const other = finding({ frames: [at('c', 700)] })
  assert.deepEqual(folded([worker, inside, other]), ['worker (handler)', 'handler'])
  assert.equal(report([finding({ frames: [at('d', 1)] }), other]).findings.length, 2)
})

test('a chain of explanations ends at its root', () => {
  const frames = stack('work a.js:3 < loop a.js:4')
  const worker = finding({ rule: 8, id: 'worker', frames: stack('loop a.js:4') })
  const awaited = finding({ rule: 4, id: 'await-loop', frames, frame: frames[1] })
  const full = finding({ id: 'saturated', confidence: 'possible', frames: [] })
  assert.deepEqual(folded([finding({ frames }), awaited, full, worker]), ['worker (handler,await-loop,saturated)'])
})

test('a hint explains no finding', () => {
  const possible = finding({ rule: 8, id: 'worker', confidence: 'possible' })
  assert.deepEqual(folded([possible, finding({ time: 5 })]), ['worker', 'handler'])
})

// Sites and statistics.

test('the guilty frame is the innermost of the program, or else the innermost', () => {
  const frames = stack('parse node_modules/x/x.js:1 < work a.js:3 < handler a.js:9')
  assert.equal(sites.guiltyFrame(frames)?.name, 'work')
  assert.equal(sites.guiltyFrame(frames.slice(0, 1))?.name, 'parse')
  assert.equal(sites.guiltyFrame([]), undefined)
})

test('a finding has at most 16 frames, without loops', () => {
  const frames = times(20, stack('work a.js:3 [for of]')[0])
  const it = finding({ frames, name: 'cache' })
  assert.equal(it.frames.length, 16)
  assert.deepEqual(it.frames[0], { name: 'work', file: '/srv/a.js', line: 3, column: 5, isAsync: false, isUser: true })
  assert.equal(it.name, 'cache')
  const nowhere = finding({ frames: [] })
  assert.deepEqual([nowhere.file, nowhere.line, nowhere.column, nowhere.function], ['', 0, 0, ''])
})

test('figures are worded', () => {
  const { bytes, duration, number, percent, plural } = sites
  assert.deepEqual([0, 7, 1204, 1234567, 0.1234, 3.1234, 41.52, 123.4, -1204].map(number), [
    '0',
    '7',
    '1,204',
    '1,234,567',
    '0.12',
    '3.1',
    '41.5',
    '123',
    '-1,204'
  ])
  assert.deepEqual(
    [
      plural(1, 'call'),
      plural(2, 'call'),
      plural(0, 'process'),
      plural(2, 'entry'),
      plural(3, 'day'),
      plural(2, 'match')
    ],
    ['1 call', '2 calls', '0 processes', '2 entries', '3 days', '2 matches']
  )
  assert.deepEqual([0, 0.004, 0.014, 0.58, 1].map(percent), ['0 %', '0.4 %', '1 %', '58 %', '100 %'])
  assert.deepEqual([0.34, 4.12, 41.4, 999, 1234, 61_000].map(duration), [
    '0.34 ms',
    '4.1 ms',
    '41 ms',
    '999 ms',
    '1.2 s',
    '61 s'
  ])
  assert.deepEqual([900, 12_300, 1_540_000, 2e9].map(bytes), ['1 KB', '12 KB', '1.5 MB', '2,000 MB'])
})

test('packages are named by their folder in node_modules', () => {
  const name = (/** @type {string} */ file) => sites.packageOf({ ...stack('f')[0], file })
  assert.equal(name('/srv/node_modules/lodash/x.js'), 'lodash')
  assert.equal(name('/srv/node_modules/a/node_modules/@scope/b/x.js'), '@scope/b')
  assert.equal(name('C:\\srv\\node_modules\\@scope\\b\\x.js'), '@scope/b')
  assert.equal(name('/srv/a.js'), undefined)
})

test('statistics of lists', () => {
  const { durationsOf, joined, quantile, slope, variation } = statistics
  assert.deepEqual([quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([1, 2, 3, 4], 0.99)], [0, 2, 4])
  assert.deepEqual(durationsOf([1, 2, 3, 10]), { count: 4, mean: 4, p50: 2, p90: 10, p99: 10, max: 10 })
  assert.deepEqual(joined([undefined, durationsOf([2, 2]), durationsOf([8]), durationsOf([])]), {
    count: 3,
    mean: 4,
    p50: 8,
    p90: 8,
    p99: 8,
    max: 8
  })
  assert.deepEqual([variation([5, 5, 5]), variation([]), variation([0, 10])], [0, 0, 1])
  const points = [0, 1, 2, 3, 4].map(x => ({ x, y: x === 2 ? 900 : x * 3 }))
  assert.deepEqual(
    [
      slope(points),
      slope([]),
      slope([
        { x: 1, y: 1 },
        { x: 1, y: 5 }
      ])
    ],
    [3, 0, 0]
  )
})
