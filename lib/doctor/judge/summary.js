'use strict'

// Computes the figures of a run that a report shows besides the findings.

const { judgedProcesses } = require('./blocks')
const { costOf } = require('./cost')
const { routeKey } = require('./crowd')
const { groupBy, measuredTime } = require('./groups')
const { requestCount, residentSize, starvedTime, utilizationOf } = require('./processes')
const { guiltyFrame } = require('./sites')
const { durationsOf, joined, largest, slope, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Report} Report
 */

const MAX_CONTAINERS = 50
const MAX_CALLS = 50
const MAX_TIMELINES = 16
/** Minimum number of collections for a slope of the heap. With fewer, the slope is that of the smallest heaps in 8 parts of the run. */
const LEAST_MAJORS = 3
const PARTS = 8

/**
 * Returns the summaries of a report.
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Pick<Report, 'loop' | 'gc' | 'heap' | 'request' | 'routes' | 'processes' | 'downstream' | 'timeline' | 'flame' | 'cost'>}
 */
function summaryOf(facts, setup) {
  const processes = judgedProcesses(facts)
  return {
    loop: loopOf(processes, setup),
    gc: gcOf(processes, setup),
    heap: heapOf(facts, processes),
    request: requestOf(facts, processes),
    routes: routesOf(processes),
    processes: facts.processes.map(processOf),
    downstream: downstreamOf(facts),
    timeline: [...processes].sort(byRequests).slice(0, MAX_TIMELINES).map(timelineOf),
    flame: flameOf(processes),
    cost: costOf(facts, setup)
  }
}

/**
 * @param {ProcessFacts} one
 * @param {ProcessFacts} other
 */
function byRequests(one, other) {
  return requestCount(other) - requestCount(one) || utilizationOf(other) - utilizationOf(one)
}

/**
 * @param {ProcessFacts[]} processes
 * @param {Setup} setup
 * @returns {Report['loop']}
 */
function loopOf(processes, setup) {
  const blocks = processes.flatMap(process => measuredBlocks(process))
  const times = (/** @type {'own' | 'duration'} */ field) => {
    const values = blocks.map(block => block[field])
    const { p50, p99, max } = durationsOf(values)
    return { p50, p99, max, total: sum(values) }
  }
  const hold = joined(processes.map(({ loop }) => loop?.hold))
  const wall = times('duration')
  // Unlike the iterations, blocks leave out the work of the doctor, such as heap snapshots.
  const longest = processes.some(({ dropped }) => dropped > 0) ? hold.max : Math.max(setup.threshold, wall.max)
  return {
    hold: { ...hold, p99: Math.min(hold.p99, longest), max: Math.min(hold.max, longest) },
    delay: joined(processes.map(({ loop }) => loop?.delay)),
    utilization: largest(processes.map(utilizationOf)),
    starved: Math.min(largest(processes.map(starvedTime)), setup.seconds * 1000),
    blocks: { count: blocks.length, own: times('own'), wall }
  }
}

/** @param {ProcessFacts} process */
function measuredBlocks({ blocks, measured }) {
  return blocks.filter(({ began }) => measured === undefined || began >= measured.from)
}

/**
 * Returns the garbage collections of the process that spends the largest share of its time in them.
 * @param {ProcessFacts[]} processes
 * @param {Setup} setup
 * @returns {Report['gc']}
 */
function gcOf(processes, setup) {
  const all = processes.map(process => {
    const total = sum(process.rows.map(({ gc }) => gc))
    const time = measuredTime(process, setup.seconds)
    return {
      share: time === 0 ? 0 : total / time,
      longest: largest(process.rows.map(({ longestGc }) => longestGc)),
      total
    }
  })
  return all.reduce((worst, it) => (it.share > worst.share ? it : worst), { share: 0, longest: 0, total: 0 })
}

/**
 * Returns the heap of the process that grows most.
 * @param {Facts} facts
 * @param {ProcessFacts[]} processes
 * @returns {Report['heap']}
 */
function heapOf(facts, processes) {
  const heaps = processes.map(process => ({
    used: process.rows.at(-1)?.heapUsed ?? 0,
    limit: process.heapLimit,
    growth: growthOf(process)
  }))
  const most = heaps.reduce(
    (best, it) => (it.growth > best.growth ? it : best),
    heaps[0] ?? { used: 0, limit: 0, growth: 0 }
  )
  const containers = facts.processes
    .flatMap(process => process.containers)
    .sort((one, other) => grown(other.bytes) - grown(one.bytes))
    .slice(0, MAX_CONTAINERS)
    .map(({ name, kind, path, entries, bytes }) => ({ name, kind, path, entries, bytes }))
  return { ...most, containers }
}

/** @param {number[]} values */
function grown(values) {
  return (values.at(-1) ?? 0) - (values[0] ?? 0)
}

/**
 * Returns the growth of the heap in bytes per second: after major collections, or of the smallest heap in each part of the run.
 * @param {ProcessFacts} process
 */
function growthOf({ majors, rows }) {
  const points = majors.length >= LEAST_MAJORS ? majors : leastOfParts(rows)
  return slope(points.map(({ at, heapUsed }) => ({ x: at / 1000, y: heapUsed })))
}

/** @param {ProcessFacts['rows']} rows */
function leastOfParts(rows) {
  const size = Math.max(1, Math.ceil(rows.length / PARTS))
  return groupBy([...rows.entries()], ([index]) => Math.floor(index / size)).map(part =>
    part.map(([, row]) => row).reduce((least, row) => (row.heapUsed < least.heapUsed ? row : least))
  )
}

/**
 * Returns the durations that autocannon measured, otherwise those that the processes measured.
 * @param {Facts} facts
 * @param {ProcessFacts[]} processes
 */
function requestOf({ load }, processes) {
  const seen = load?.durations
  const { p50, p99 } =
    seen !== undefined && seen.count > 0 ? seen : joined(processes.map(({ requests }) => requests.durations))
  return { p50, p99, errors: load?.errors ?? sum(processes.map(({ requests }) => requests.errors)) }
}

/**
 * @param {ProcessFacts[]} processes
 * @returns {Report['routes']}
 */
function routesOf(processes) {
  const routes = processes.flatMap(process => {
    const blocks = measuredBlocks(process)
    const waits = sum(blocks.map(waitOf))
    const count = requestCount(process)
    return process.requests.routes.map(route => {
      const own = blocks.filter(({ request }) => routeKey(request) === routeKey(route))
      const others = waits - sum(own.map(waitOf))
      return {
        ...route,
        held: route.held || sum(own.map(block => block.own)),
        waited: route.waited || (count === 0 ? 0 : (others * route.count) / count)
      }
    })
  })
  return groupBy(routes, routeKey)
    .map(group => {
      const total = (/** @type {'count' | 'errors' | 'held' | 'waited'} */ field) =>
        sum(group.map(route => route[field]))
      const { method, route } = group[0]
      const durations = joined(group.map(it => it.durations))
      return {
        method,
        route,
        count: total('count'),
        errors: total('errors'),
        durations,
        held: total('held'),
        waited: total('waited')
      }
    })
    .sort((one, other) => other.held - one.held || other.count - one.count)
}

/**
 * Returns the time for which requests waited for a block. They arrive after the first stack, and on average wait for half of the rest.
 * @param {FactBlock} block
 */
function waitOf({ waited, duration, samples }) {
  return (waited * Math.max(0, duration - (samples[0]?.at ?? 0))) / 2
}

/** @param {ProcessFacts} process */
function processOf(process) {
  const { pid, thread, role, script } = process
  const blocks = measuredBlocks(process).length + process.dropped
  return {
    pid,
    thread,
    role,
    script,
    requests: requestCount(process),
    utilization: utilizationOf(process),
    blocks,
    rss: residentSize(process)
  }
}

/**
 * @param {Facts} facts
 * @returns {Report['downstream']}
 */
function downstreamOf({ processes }) {
  return processes
    .flatMap(({ downstream }) => downstream)
    .sort((one, other) => other.calls - one.calls)
    .slice(0, MAX_CALLS)
    .map(({ kind, target, call, calls, duplicates, concurrent, meanDuration }) => {
      return { kind, target, call, calls, duplicates, concurrent, meanDuration }
    })
}

/**
 * @param {ProcessFacts} process
 * @returns {Report['timeline'][number]}
 */
function timelineOf(process) {
  const { pid, thread, rows } = process
  return {
    pid,
    thread,
    rows: rows.map(({ at, heapUsed, rss, requests, gc, utilization }) => ({
      at,
      heapUsed,
      rss,
      requests,
      gc,
      utilization
    })),
    blocks: measuredBlocks(process).map(({ began, duration, cause, samples }) => {
      const frame = guiltyFrame(samples.find(({ frames }) => frames.length > 0)?.frames ?? [])
      return {
        at: began,
        duration,
        cause,
        function: frame?.name ?? '',
        file: frame?.file ?? '',
        line: frame?.line ?? 0
      }
    })
  }
}

/**
 * Returns the profile of the process with the most samples.
 * @param {ProcessFacts[]} processes
 * @returns {Report['flame']}
 */
function flameOf(processes) {
  const profiles = processes.flatMap(({ profile }) => profile ?? [])
  const [first] = profiles.sort((one, other) => other.samples - one.samples)
  if (first === undefined) return null
  const indexes = new Map(first.nodes.map(({ id }, index) => [id, index]))
  const nodes = first.nodes.map(({ parent, name, file, line, self }) => {
    return { parent: indexes.get(parent) ?? -1, name, file, line, self }
  })
  return { nodes, samples: first.samples }
}

module.exports = { summaryOf }
