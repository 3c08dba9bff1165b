'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { hashOf } = require('../../lib/doctor/probe/call-text')
const { KeySample } = require('../../lib/doctor/probe/key-sample')
const { judge } = require('../../lib/doctor/judge/cluster.js')
const poolWait = require('../../lib/doctor/judge/pool-wait.js')
const { SETUP, NO_DURATIONS, block, facts, loop, rows, stack, times } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/facts').Facts} Facts
 */

const FORK = {
  pid: 1,
  role: /** @type {const} */ ('primary'),
  requests: { count: 0, errors: 0, routes: [] },
  starts: [
    {
      kind: /** @type {const} */ ('process'),
      what: 'server.js',
      starts: 8,
      shortLived: 0,
      concurrent: 8,
      startTime: 30,
      frames: stack('fork node:internal/cluster/primary:170 < <anonymous> server.js:12')
    }
  ]
}

/**
 * @param {number} count
 * @param {(index: number) => Partial<ProcessFacts>} [fields]
 * @returns {Partial<ProcessFacts>[]}
 */
function workers(count, fields = () => ({})) {
  return Array.from({ length: count }, (_, index) => ({
    pid: 100 + index,
    role: 'cluster worker',
    requests: { count: 500, errors: 0, routes: [] },
    ...fields(index)
  }))
}

/**
 * @param {Partial<ProcessFacts>[]} processes
 * @param {Partial<Facts>} [fields]
 */
function judged(processes, fields = {}) {
  const all = facts(processes, fields)
  const requests = all.processes.reduce((total, it) => total + it.requests.count, 0)
  return judge(all, { ...SETUP, requests })
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, line }) => `${id} ${confidence} ${line}`)
}

const BUSY = () => ({ rows: rows(index => ({ utilization: 0.9, starved: index * 100 })) })

test('more processes than cores, which starve, are certain at the line that forks', () => {
  const findings = judged([FORK, ...workers(8, BUSY)])
  assert.deepEqual(brief(findings), ['processes certain 12'])
  const [{ evidence, fix, function: name }] = findings
  assert.equal(name, '<anonymous>')
  assert.equal(
    evidence.text,
    '8 processes share 2 cores and were starved for 65 % of the time; together they occupy 480 MB.'
  )
  assert.match(fix, /^start 2 processes:/)
})

test('processes that were started before the measurement are known', () => {
  const { starts: forks, ...primary } = FORK
  assert.deepEqual(brief(judged([{ ...primary, ...{ forks } }, ...workers(8, BUSY)])), ['processes certain 12'])
})

test('starvation that the kernel does not report follows from loops that are busy for more than the cores provide', () => {
  const unreported = () => ({ rows: rows(() => ({ utilization: 0.9 })) })
  assert.deepEqual(brief(judged(workers(8, unreported))), ['processes certain 0'])
  assert.deepEqual(judged(workers(8, () => ({ rows: rows(() => ({ utilization: 0.2 })) }))), [])
})

test('the quota counts, not the machine', () => {
  const findings = judged([FORK, ...workers(4, BUSY)], { cores: 16, quota: 1.5 })
  assert.deepEqual(brief(findings), ['processes certain 12'])
  assert.match(findings[0].evidence.text, /4 processes share 1\.5 cores of the quota/)
  assert.match(findings[0].fix, /^start 1 process:/)
})

test('as many processes as cores, and processes that do not starve, are not reported', () => {
  assert.deepEqual(judged([FORK, ...workers(2, BUSY)]), [])
  assert.deepEqual(judged([FORK, ...workers(8, BUSY)], { cores: 8 }), [])
  const idle = () => ({ rows: rows(() => ({ utilization: 0.05 })) })
  assert.deepEqual(judged([FORK, ...workers(8, idle)]), [])
})

test('processes of one script without a primary are counted too', () => {
  const processes = workers(4, BUSY).map(it => ({ ...it, role: /** @type {const} */ ('process') }))
  assert.deepEqual(brief(judged(processes)), ['processes certain 0'])
  const others = processes.map((it, index) => ({ ...it, script: `/srv/service-${index}.js` }))
  assert.deepEqual(judged(others), [])
})

/** @param {number[]} counts */
function loaded(counts) {
  return workers(counts.length, index => ({
    requests: { count: counts[index], errors: 0, routes: [] },
    rows: rows(() => ({ utilization: counts[index] / Math.max(...counts) }))
  }))
}

test('an uneven load is certain if the load has many connections', () => {
  const load = { requests: 3000, errors: 0, connections: 100, durations: NO_DURATIONS }
  const findings = judged([FORK, ...loaded([2800, 100, 60, 40])], { cores: 4, load })
  assert.deepEqual(brief(findings), ['uneven certain 12'])
  assert.match(
    findings[0].evidence.text,
    /4 processes served 40 to 2,800 requests; the busiest loop was busy for 100 %/
  )
  assert.deepEqual(brief(judged(loaded([2800, 100, 60, 40]), { cores: 4 })), ['uneven likely 0'])
})

test('an uneven load of processes without a core is a hint', () => {
  const load = { requests: 3000, errors: 0, connections: 100, durations: NO_DURATIONS }
  const starved = loaded([2800, 100, 60, 40]).map(it => ({
    ...it,
    rows: rows(index => ({ utilization: 0.9, starved: index * 50 }))
  }))
  const uneven = judged(starved, { cores: 4, load }).filter(({ id }) => id === 'uneven')
  assert.deepEqual(brief(uneven), ['uneven possible 0'])
})

test('few connections, few requests, late processes and idle ones make no load uneven', () => {
  const load = { requests: 3000, errors: 0, connections: 8, durations: NO_DURATIONS }
  assert.deepEqual(judged(loaded([2800, 100, 60, 40]), { cores: 4, load }), [])
  assert.deepEqual(judged(loaded([280, 10, 6, 4]), { cores: 4 }), [])
  assert.deepEqual(judged(loaded([900, 700, 1000, 600]), { cores: 4 }), [])
  const [first, ...others] = loaded([2800, 100, 60, 40])
  const late = others.map(it => ({ ...it, measured: { from: 1_008_000, to: 1_010_000 } }))
  assert.deepEqual(judged([first, ...late], { cores: 4 }), [])
  const idle = loaded([2800, 100, 60, 40]).map(it => ({ ...it, rows: rows(() => ({ utilization: 0.1 })) }))
  assert.deepEqual(judged(idle, { cores: 4 }), [])
})

/**
 * @param {Record<string, number>} hashes
 * @param {number} [sampled]
 * @returns {ProcessFacts['downstream']}
 */
function downstream(hashes, sampled = 1) {
  const calls = Object.values(hashes).reduce((total, it) => total + it, 0)
  const frames = stack('load users.js:8 < async handler users.js:20')
  return [
    {
      kind: 'pg',
      target: 'db:5432',
      call: 'SELECT * FROM users',
      calls,
      duplicates: 0,
      concurrent: 1,
      meanDuration: 5,
      hashes,
      sampled,
      sequential: 0,
      sequentialRequests: 0,
      frames
    }
  ]
}

/**
 * @param {number} from
 * @param {number} count
 * @param {number} calls
 */
function hashes(from, count, calls) {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${from + index}`, calls]))
}

test('keys that each process caches are likely repeated work of the line that forks', () => {
  const processes = workers(4, () => ({ downstream: downstream(hashes(0, 100, 1)) }))
  const findings = judged([FORK, ...processes], { cores: 4 })
  assert.deepEqual(brief(findings), ['repeated-work likely 12'])
  assert.match(
    findings[0].evidence.text,
    /100 % of 400 values were also fetched by another process \(pg, db:5432\): 4 processes cache the same keys, which \S+ \(\S+:8\) fetches\.$/
  )
  assert.deepEqual(brief(judged(processes, { cores: 4 })), ['repeated-work likely 8'])
})

const MANY = { requests: { count: 2000, errors: 0, routes: [] } }

test('two processes repeat work if they share most values', () => {
  const sharing = (/** @type {number} */ first) =>
    judged(workers(2, index => ({ ...MANY, downstream: downstream(hashes(index * first, 500, 1)) })))
  assert.deepEqual(brief(sharing(100)), ['repeated-work likely 8'])
  assert.deepEqual(sharing(300), [])
})

test('few fetches for many requests are repeated work if they go on at a high rate', () => {
  const busy = { requests: { count: 100_000, errors: 0, routes: [] } }
  const of = (/** @type {number} */ count) =>
    judged(workers(2, () => ({ ...busy, downstream: downstream(hashes(0, count, 1)) })))
  assert.deepEqual(brief(of(SETUP.seconds * 50)), ['repeated-work likely 8'])
  assert.deepEqual(of(SETUP.seconds * 50 - 1), [])
})

test('requests that need several new keys repeat work too', () => {
  const of = (/** @type {number} */ calls) =>
    judged(workers(2, () => ({ downstream: downstream(hashes(0, 500, calls)) })))
  assert.deepEqual(brief(of(1)), ['repeated-work likely 8'])
  assert.deepEqual(of(2), [])
})

test('processes compare samples of their keys', () => {
  const samples = [0.5, 0.25].map(share => {
    const sample = new KeySample()
    for (let key = 0; key < 256 / share; key++) sample.count(hashOf(`SELECT ${key}`), 0, false)
    return sample.facts(10_000)
  })
  const callsOf = (/** @type {number} */ index) => downstream(samples[index].hashes, samples[index].sampled)
  const [{ evidence }] = judged(workers(2, index => ({ ...MANY, downstream: callsOf(index) })))
  assert.equal(evidence.processes, 2)
  const loads = Number(evidence.loads)
  assert.ok(loads > 1200 && loads < 1900, `${loads} of 1536`)
  const repeated = Number(evidence.repeated)
  assert.ok(repeated > 350 && repeated < 700, `${repeated} of 512`)
})

test('processes that fetch values again after a while cache them', () => {
  const ofCalls = (/** @type {(key: number) => number[]} */ timesOf) =>
    judged(
      workers(2, () => {
        const sample = new KeySample()
        for (let key = 0; key < 256; key++) {
          for (const at of timesOf(key)) sample.count(hashOf(`SELECT ${key}`), at, false)
        }
        const { hashes, ...more } = sample.facts(8000)
        return { ...MANY, downstream: downstream(hashes).map(fact => ({ ...fact, ...more })) }
      })
    )
  // Each value is kept for 1.5 seconds, or not at all.
  assert.deepEqual(brief(ofCalls(key => [0, 1, 2, 3, 4].map(index => key + index * 1500))), ['repeated-work likely 8'])
  const random = (/** @type {number} */ key, /** @type {number} */ index) => (key * 7919 + index * index * 3571) % 8000
  assert.deepEqual(
    ofCalls(key => [0, 1, 2, 3, 4].map(index => random(key, index)).sort((one, other) => one - other)),
    []
  )
})

test('calls that are not cached, and different keys, are not repeated work', () => {
  assert.deepEqual(
    judged(
      workers(4, () => ({ downstream: downstream(hashes(0, 100, 5)) })),
      { cores: 4 }
    ),
    []
  )
  assert.deepEqual(
    judged(
      workers(4, index => ({ downstream: downstream(hashes(index * 100, 100, 1)) })),
      { cores: 4 }
    ),
    []
  )
  assert.deepEqual(judged([{ downstream: downstream(hashes(0, 200, 1)) }]), [])
})

test('messages between processes are likely if they are many bytes or take long', () => {
  const large = { messages: 1000, bytes: 8e7, time: 100, frames: stack('notify a.js:7') }
  const [finding] = judged(workers(2, index => (index === 0 ? { ipc: large } : {})))
  assert.deepEqual([finding.id, finding.confidence, finding.time], ['ipc', 'likely', 100])
  assert.deepEqual([finding.function, finding.line], ['notify', 7])
  assert.equal(
    finding.evidence.text,
    '1,000 messages between processes: 8 MB a second, serialized in 100 ms, 0.1 ms for each request.'
  )
  const slow = { messages: 1000, bytes: 1e6, time: 1500, frames: [] }
  assert.deepEqual(brief(judged(workers(2, index => (index === 0 ? { ipc: slow } : {})))), ['ipc likely 0'])
  assert.deepEqual(judged(workers(2, () => ({ ipc: { messages: 1000, bytes: 1e6, time: 20, frames: [] } }))), [])
  assert.deepEqual(
    judged(workers(2, index => (index === 0 ? { ipc: { messages: 3, bytes: 9e7, time: 900, frames: [] } } : {}))),
    []
  )
})

const FULL = { rows: rows(() => ({ utilization: 0.97 })), loop: loop({ utilization: 0.97 }) }

test('one busy process on many cores is a hint, and likely if it misses the rate of the load', () => {
  assert.deepEqual(brief(judged([FULL], { cores: 8 })), ['more-threads possible 0'])
  const load = { requests: 8000, errors: 0, connections: 100, rate: 1000, durations: NO_DURATIONS }
  const [behind] = judged([FULL], { cores: 8, load })
  assert.equal(behind.confidence, 'likely')
  assert.match(behind.evidence.text, /7 cores were idle: it did not reach the requested rate/)
  assert.deepEqual(brief(judged([FULL], { cores: 8, load: { ...load, requests: 9900 } })), ['more-threads possible 0'])
})

test('few cores, an idle loop, busy threads and long blocks need no more processes', () => {
  assert.deepEqual(judged([FULL]), [])
  assert.deepEqual(judged([FULL], { cores: 8, quota: 2 }), [])
  assert.deepEqual(judged([{ rows: rows(() => ({ utilization: 0.5 })) }], { cores: 8 }), [])
  const blocks = times(100, block('work a.js:1'))
  assert.deepEqual(judged([{ ...FULL, blocks }], { cores: 8 }), [])
  const threads = [1, 2].map(thread => ({
    ...FULL,
    thread,
    role: /** @type {const} */ ('thread'),
    requests: { count: 0, errors: 0, routes: [] }
  }))
  assert.deepEqual(judged([FULL, ...threads], { cores: 8 }), [])
})

/**
 * @param {number} wait
 * @param {number} [count]
 */
function waits(wait, count = 40) {
  return Array.from({ length: count }, (_, index) => ({ at: 1_000_000 + index * 250, wait }))
}

test('a full thread pool is certain, with its jobs and the line that creates them', () => {
  const process = {
    poolWait: waits(60),
    poolJobs: { 'fs.stat': { jobs: 90, time: 0 }, crypto: { jobs: 10, time: 950 }, zlib: { jobs: 10, time: 50 } },
    poolCalls: [
      { kind: /** @type {const} */ ('crypto'), jobs: 2, frames: stack('rare app.js:8') },
      { kind: /** @type {const} */ ('fs'), jobs: 90, frames: stack('read app.js:9') },
      { kind: /** @type {const} */ ('crypto'), jobs: 8, frames: stack('login app.js:7') }
    ]
  }
  const findings = poolWait.judge(facts([process]), SETUP)
  assert.deepEqual(brief(findings), ['pool-wait certain 7'])
  assert.equal(
    findings[0].evidence.text,
    "Jobs waited 60 ms (median) for a thread of libuv's pool, 60 ms at the 95th percentile; crypto takes 95 % of the jobs' time."
  )
  assert.match(findings[0].fix, /^transforms on offloop's Pool/)
})

test('of a full thread pool whose jobs have no measured time, the most frequent ones count', () => {
  const judged = (/** @type {import('../../lib/doctor/facts').PoolJobs} */ poolJobs) =>
    poolWait.judge(facts([{ poolWait: waits(60), poolJobs }]), SETUP)
  const [file] = judged({ 'fs.stat': { jobs: 90, time: 0 }, crypto: { jobs: 10, time: 1 } })
  assert.match(file.evidence.text, /; 90 % of the jobs are fs\.stat\.$/)
  const [dns] = judged({ 'dns.lookup': { jobs: 5, time: 0 } })
  assert.match(dns.fix, /^dns\.resolve4/)
  const [unknown] = judged({})
  assert.match(unknown.evidence.text, /95th percentile\.$/)
})

test('short waits, few values and a starved process do not fill the thread pool', () => {
  const judged = (/** @type {Partial<ProcessFacts>} */ it) => poolWait.judge(facts([it]), SETUP)
  assert.deepEqual(judged({ poolWait: waits(5) }), [])
  assert.deepEqual(judged({ poolWait: waits(60, 10) }), [])
  assert.deepEqual(judged({ poolWait: [...waits(0, 39), ...waits(500, 1)] }), [])
  assert.deepEqual(judged({ poolWait: waits(60), rows: rows(index => ({ starved: index * 50 })) }), [])
})

test('few values suffice if each of them is long', () => {
  const [finding] = poolWait.judge(facts([{ poolWait: waits(500, 6) }]), SETUP)
  assert.equal(finding.id, 'pool-wait')
  assert.deepEqual(poolWait.judge(facts([{ poolWait: waits(200, 6) }]), SETUP), [])
})

test('hundreds of identical calls in flight are a hint', () => {
  const [fact] = downstream({ a: 5000 })
  const judged = (/** @type {number} */ concurrent) =>
    poolWait.judge(facts([{ downstream: [{ ...fact, concurrent }] }]), SETUP)
  assert.deepEqual(brief(judged(600)), ['concurrency possible 8'])
  assert.deepEqual(judged(500), [])
})
