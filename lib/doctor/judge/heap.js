'use strict'

// Growing memory: detected after major collections, explained by the containers that grew between two heap snapshots.

const { mostAllocated, mostKept } = require('./allocations')
const { externalGrowth, heapGrowth } = require('./heap-growth')
const pauses = require('./pauses')
const { requestCount } = require('./processes')
const { bytes, describe, finding, number, packageOf, plural } = require('./sites')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./heap-growth').HeapGrowth} Growth
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 *
 * A container. `adds`: lines that add entries. `removal`: whether the file of the container removes entries, or limits their number.
 * `heap`: sizes of the heap at the snapshots.
 * @typedef {import('../facts').ContainerFact &
 *   { adds?: FactFrame[], removal?: 'none' | 'some' | 'bounded' | 'unknown', heap?: number[] }} Container
 *
 * Growing memory: V8's heap, or the memory outside of it, such as that of Buffers.
 * @typedef {{ where: 'heap' | 'outside', growth: Growth, process: ProcessFacts }} Memory
 */

const rule = { rule: /** @type {const} */ (5), id: 'growth', title: 'growing heap' }
const rules = [rule, pauses.rule]

/** Share of the growth that a container or an allocating line must hold to be named, and share that proves the fault. */
const EXPLAINS = 0.2
const PROVES = 0.5
/** Growth factor and minimum number of entries that together prove the fault. */
const GROWTH = 2
const ENTRIES = 1000
const MAX_NAMED = 3
/** Minimum entries per request, growth factor and number of requests that show a container to grow with the requests. */
const PER_REQUEST = 0.25
const STILL = 1.3
const LEAST_REQUESTS = 1000
/** Memory outside of the heap that requests in flight may take, in bytes: bodies, and a stream of zlib for each connection. */
const BODIES = 32e6
const STREAM = 256e3
/** Growth between the snapshots that is assumed at least, as a share of the growth during the measurement. */
const LEAST = 0.05
/** Names of caches of packages, which may have a limit. */
const LIMITED = /LRU|Lru[A-Z_]|lru-cache|TTLCache/
const FILLING = ' It looks like a cache that has not reached its limit.'
const DAY = 86_400

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  return facts.processes.flatMap(process => {
    const memory = judgeMemory(process, BODIES + STREAM * (facts.load?.connections ?? 0))
    const stops = pauses.judgePauses(process, setup)
    // Pauses are an effect of the growing heap.
    return memory.some(({ confidence }) => confidence !== 'possible')
      ? withPauses(memory, stops)
      : [...memory, ...stops]
  })
}

/**
 * Adds the evidence of the pauses to the first finding on memory.
 * @param {Finding[]} memory
 * @param {readonly Finding[]} stops findings on pauses, at most one
 */
function withPauses([first, ...others], [stop]) {
  if (stop === undefined) return [first, ...others]
  const text = `${first.evidence.text} ${stop.evidence.text}`
  return [{ ...first, evidence: { ...first.evidence, text } }, ...others]
}

/**
 * @param {ProcessFacts} process
 * @param {number} inFlight memory outside of the heap that requests in flight may take
 * @returns {Finding[]}
 */
function judgeMemory(process, inFlight) {
  const inHeap = heapGrowth(process)
  const growth = inHeap ?? externalGrowth(process)
  if (growth === undefined)
    return process.containers.filter(it => followsRequests(it, process)).map(it => slow(it, process))
  /** @type {Memory} */
  const memory = { where: inHeap === undefined ? 'outside' : 'heap', growth, process }
  const containers = explaining(process.containers, growth)
  return containers.length > 0 ? containers.map(container => named(memory, container)) : [unnamed(memory, inFlight)]
}

/**
 * Returns whether a container that the program declares gets an entry every few requests. A container of a package may be
 * a cache with a limit.
 * @param {Container} container
 * @param {ProcessFacts} process
 */
function followsRequests({ entries, removal, path, declared }, process) {
  const last = entries.at(-1) ?? 0
  const requests = requestCount(process)
  const isSteady = last >= GROWTH * ENTRIES && last >= STILL * entries[0] && last >= PER_REQUEST * requests
  const isOwn = declared !== undefined && packageOf({ file: declared.file }) === undefined
  return isOwn && removal === 'none' && !LIMITED.test(path) && requests >= LEAST_REQUESTS && isSteady
}

/**
 * Returns the finding on a container that grows with the requests, but too slowly to show in the size of the heap.
 * @param {Container} container
 * @param {ProcessFacts} process
 */
function slow(container, process) {
  const { declared, adds = [] } = container
  const frame = adds[0] ?? (declared && frameOf(declared))
  const requests = plural(requestCount(process), 'request')
  const text = `${grownText(container)}; the process served ${requests}.${removalText(container)}`
  return containerFinding(container, {
    confidence: 'likely',
    frame,
    frames: framesOf(frame, []),
    evidence: { text },
    process
  })
}

/**
 * @param {Container} container
 * @param {{
 *   confidence: Confidence,
 *   frame: FactFrame | undefined,
 *   frames: readonly FactFrame[],
 *   evidence: { text: string },
 *   process: ProcessFacts
 * }} parts
 */
function containerFinding(container, { confidence, frame, frames, evidence, process }) {
  const { kind, name, path, entries, bytes: held, declared, removal = 'unknown' } = container
  return finding({
    ...rule,
    title: name === '' ? 'a container grows' : `${name} grows`,
    confidence,
    ...(frame === undefined ? {} : { frame }),
    frames,
    ...(name === '' ? {} : { name }),
    evidence: { ...evidence, kind, path, entries, held, removal, ...(declared === undefined ? {} : { declared }) },
    fix: fixOf(removal),
    time: pauses.gcTime(process)
  })
}

/** @param {Container} container */
function grownText({ kind, name, path, entries }) {
  const subject = name === '' ? `A container (${path})` : name
  return `${subject} (${kind}) grew from ${number(entries[0])} to ${plural(entries.at(-1) ?? 0, 'entry')}`
}

/**
 * Returns the containers that explain the growth, largest first.
 * @param {readonly Container[]} containers
 * @param {Growth} growth
 */
function explaining(containers, growth) {
  return containers
    .filter(container => shareOf(container, growth) >= EXPLAINS)
    .sort((one, other) => heldMore(other) - heldMore(one))
    .slice(0, MAX_NAMED)
}

/**
 * Returns the share of the growth between the snapshots that a container holds.
 * @param {Container} container
 * @param {Growth} growth
 */
function shareOf(container, { grown }) {
  const [before, after] = container.heap ?? [0, grown]
  // The heap may have been exceptionally large at the first snapshot.
  return heldMore(container) / Math.max(after - before, grown * LEAST)
}

/** @param {Container} container */
function heldMore({ bytes }) {
  return (bytes.at(-1) ?? 0) - bytes[0]
}

/**
 * @param {Memory} memory
 * @param {Container} container
 */
function named(memory, container) {
  const { growth, process } = memory
  const { declared, adds = [] } = container
  const isAdding = (/** @type {FactFrame} */ frame) =>
    adds.some(add => add.file === frame.file && add.name === frame.name)
  const allocated = mostAllocated(process.allocations.filter(({ frames }) => frames.some(isAdding)))
  const frame = adds[0] ?? (declared && frameOf(declared)) ?? allocated?.frame
  const held = `holds ${bytes(heldMore(container))} more`
  const text = `${grownText(container)} and ${held}. ${textOf(memory)}${removalText(container)}`
  return containerFinding(container, {
    confidence: confidenceOf(growth, container),
    frame,
    frames: framesOf(frame, allocated?.frames ?? []),
    evidence: { text, ...figures(memory) },
    process
  })
}

/**
 * Returns a stack with the adding line: the allocation profile knows only the line of its function.
 * @param {FactFrame | undefined} frame
 * @param {readonly FactFrame[]} stack
 */
function framesOf(frame, stack) {
  if (frame === undefined) return stack
  const index = stack.findIndex(({ file, name }) => file === frame.file && name === frame.name)
  return index === -1 ? [frame, ...stack] : stack.with(index, frame)
}

/**
 * @param {Growth} growth
 * @param {Container} container
 * @returns {Confidence}
 */
function confidenceOf(growth, container) {
  const { removal, path, entries } = container
  // The container may still be filling up, or may lose its entries only after the measurement.
  if (removal === 'some' || removal === 'bounded' || LIMITED.test(path)) return 'possible'
  const last = entries.at(-1) ?? 0
  const hasGrown = last >= ENTRIES && last >= GROWTH * entries[0]
  return growth.hasShape && (hasGrown || shareOf(container, growth) >= PROVES) ? 'certain' : 'likely'
}

/** @param {Container} container */
function removalText({ removal, declared, path }) {
  if (LIMITED.test(path)) return FILLING
  if (removal === 'bounded') return ' Its file limits the number of entries, so it may still be filling up.'
  if (removal === 'some')
    return ' Its file removes entries: a longer measurement shows whether their number levels off.'
  return removal === 'none' && declared !== undefined ? ' No line of its file removes entries.' : ''
}

/**
 * @param {Memory} memory
 * @param {number} inFlight
 */
function unnamed(memory, inFlight) {
  const { where, growth, process } = memory
  const kept = mostKept(process.allocations)
  const guilty = kept !== undefined && kept.live >= EXPLAINS * growth.grown ? kept : undefined
  // If the growth stopped before the end, it may have been that of a cache that has just filled up.
  const isSteady = growth.hasShape && growth.isGoingOn
  const isFilling = guilty?.isLimited === true
  const alive =
    guilty && ` ${bytes(guilty.live)} from ${describe(guilty.frame)} are still alive.${isFilling ? FILLING : ''}`
  return finding({
    ...rule,
    title: where === 'heap' ? rule.title : 'growing memory outside of the heap',
    confidence: isSteady && !isFilling && (where === 'heap' || growth.grown > inFlight) ? 'likely' : 'possible',
    ...(guilty === undefined ? {} : { frame: guilty.frame }),
    frames: framesOf(guilty?.frame, guilty?.frames ?? []),
    evidence: { text: `${textOf(memory)}${alive ?? ''}`, ...figures(memory), allocated: guilty?.live ?? 0 },
    fix:
      'new Cache({ max, ttl }) for values that are used again; release the others. ' +
      'To see which container grows, run again with --heap always and --load, -d or --for',
    time: pauses.gcTime(process)
  })
}

/** @param {Memory} memory */
function textOf({ where, growth: { rate, from, to, collections }, process: { heapLimit } }) {
  const left = (heapLimit - to) / rate
  const hasEnd = where === 'heap' && heapLimit > to && left < DAY
  const end = hasEnd ? `; at this rate it reaches its limit of ${bytes(heapLimit)} in ${time(left)}` : ''
  const what = where === 'heap' ? 'The heap' : 'Memory outside of the heap, such as that of Buffers,'
  const basis = `measured after ${plural(collections, 'major collection')}`
  return `${what} grew by ${bytes(rate)} a second, from ${bytes(from)} to ${bytes(to)}, ${basis}${end}.`
}

/** @param {number} seconds */
function time(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`
}

/** @param {Memory} memory */
function figures({ where, growth: { rate, share, from, to, collections }, process: { heapLimit } }) {
  return { where, rate, share, from, to, collections, heapLimit }
}

/** @param {Container['removal']} removal */
function fixOf(removal) {
  if (removal === 'some' || removal === 'bounded')
    return 'measure for longer; if the number does not level off, use new Cache({ max, ttl }), or remove entries after use'
  return 'new Cache({ max, ttl }), which evicts entries; without offloop, remove entries after use, or limit their number'
}

/**
 * @param {{ file: string, line: number }} declared
 * @returns {FactFrame}
 */
function frameOf({ file, line }) {
  return { name: '<anonymous>', file, line, column: 1, isAsync: false, isUser: true }
}

module.exports = { judge, rules }
