'use strict'

// Finds streams whose write functions compute, and writers that ignore backpressure.

const { partsOf } = require('./blocks')
const { callerOf, lineOf } = require('./callers')
const { isCrowd } = require('./crowd')
const { figuresOf, groupBy, groupsOf, heaviest, timeOf } = require('./groups')
const { withoutThreads } = require('./processes')
const { bytes, describe, duration, finding, number, percent, plural } = require('./sites')
const { largest, sum } = require('./statistics')
const { profiledWrites } = require('./write-profile')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../facts').WriteFact} WriteFact
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./groups').Figures} Figures
 * @typedef {import('./write-profile').Work} Work
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 *
 * @typedef {Part & { write: FactFrame }} WritePart
 *
 * Work of one function within the writes of a stream.
 * @typedef {object} WriteWork
 * @property {FactFrame} frame
 * @property {FactFrame} write function that the stream calls
 * @property {FactFrame[]} frames innermost first
 * @property {Figures} figures of the blocks of the function
 * @property {number} share of the busy time, in the CPU profile
 * @property {number} time in milliseconds
 * @property {boolean} isFull whether at least a tenth of the iterations is long
 */

const RULE = /** @type {const} */ (3)
const rules = [
  { rule: RULE, id: 'work-in-write', title: 'computations in the write functions of streams' },
  { rule: RULE, id: 'backpressure', title: 'writes that ignore backpressure' }
]

const LEAST_BLOCKS = 3
/** Share of the busy time above which one block suffices for a fault, and above which no block is needed for a hint. */
const LEAST_SHARE = 0.1
/** Share of the busy time above which a fault is likely without a block, if a tenth of the iterations is long. */
const LARGE_SHARE = 0.25
/** 90th percentile of the durations of iterations from which work in writes delays other requests, in milliseconds. */
const LONG_ITERATION = 10
/** Minimum work in writes per request, in milliseconds: short work for many requests also makes iterations long. */
const LONG_REQUEST = 5
/** Profiled time below which shares are noise, in milliseconds. */
const LEAST_TIME = 300

/** Number of writes that several writers make while they wait for one drain. */
const USUAL_WRITES = 32
/** Buffers that are not reported: up to 1 MB; up to 4 times the high water mark, unless above 16 MB; up to 10,000 objects. */
const MARKS = 4
const LITTLE = 1e6
const MUCH = 16e6
const MANY_OBJECTS = 10_000

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  return [...judgeWork(facts, setup), ...judgeBackpressure(facts)]
}

/**
 * @param {Facts} facts
 * @param {Setup} setup
 */
function judgeWork(facts, setup) {
  const all = [...blockedWork(facts, setup), ...profiledWork(facts)]
  return groupBy(all, ({ frame }) => functionKey(frame)).flatMap(group => {
    const work = joined(group)
    const confidence = confidenceOf(work)
    return confidence === undefined ? [] : [workFinding(work, confidence)]
  })
}

/** Returns a key for the function of a frame: its name, or the line of an anonymous function. @param {FactFrame} frame */
function functionKey({ file, name, line }) {
  return `${file} ${name === '<anonymous>' ? line : name}`
}

/**
 * Returns the work that held the loop within writes of a stream.
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {WriteWork[]}
 */
function blockedWork(facts, setup) {
  const parts = partsOf(facts, setup).flatMap(part => {
    const frame = part.frames.find(({ isUser }) => isUser)
    const isWrite = part.kind === 'write' && part.frame !== undefined && frame !== undefined
    return isWrite ? [{ ...part, frame, write: /** @type {FactFrame} */ (part.frame) }] : []
  })
  // A write function that calls several functions has one finding: that of the called function with the most time.
  const groups = groupBy(parts, ({ write }) => functionKey(write))
  return groups
    .filter(ofWrite => !isCrowd(ofWrite, setup))
    .map(ofWrite => {
      const [group] = groupsOf(
        heaviest(ofWrite, part => part.frame && functionKey(part.frame), timeOf),
        () => 'all'
      )
      const { frame, frames } = group
      const { write } = /** @type {WritePart} */ (group.parts[0])
      const all = groupsOf(ofWrite, () => 'all')[0]
      return {
        frame: /** @type {FactFrame} */ (frame),
        write,
        frames,
        figures: figuresOf(all, setup),
        share: 0,
        time: all.time,
        isFull: true
      }
    })
}

/**
 * Returns the work within writes of a stream that has a large share of the CPU profile.
 * @param {Facts} facts
 * @returns {WriteWork[]}
 */
function profiledWork({ processes }) {
  return withoutThreads(processes).flatMap(process =>
    profiledWrites(process)
      .filter(({ time, share }) => time >= LEAST_TIME && share > LEAST_SHARE)
      .map(({ frame, write, frames, time, share }) => ({
        frame,
        write,
        frames,
        figures: NO_BLOCKS,
        share,
        time,
        isFull: (process.loop?.hold.p90 ?? 0) >= LONG_ITERATION && time / process.requests.count >= LONG_REQUEST
      }))
  )
}

/** @type {Figures} */
const NO_BLOCKS = { count: 0, p50: 0, p99: 0, max: 0, total: 0, share: 0, wall: 0, waited: 0, processes: 0 }

/**
 * Joins the blocks and profiles of a function in all processes. The line is that of a block, if there is one: profiles have only the
 * line of the function.
 * @param {WriteWork[]} group
 * @returns {WriteWork}
 */
function joined(group) {
  const best = group.reduce((most, it) => (it.figures.count > most.figures.count ? it : most))
  return {
    ...best,
    share: largest(group.map(({ share }) => share)),
    time: Math.max(best.time, sum(group.filter(({ figures }) => figures.count === 0).map(({ time }) => time))),
    isFull: group.some(({ isFull }) => isFull)
  }
}

/**
 * @param {WriteWork} work
 * @returns {Confidence | undefined}
 */
function confidenceOf({ figures, share, isFull }) {
  if (figures.count >= LEAST_BLOCKS || (figures.count > 0 && share > LEAST_SHARE)) return 'certain'
  // Short work in a Transform is a fault only if it saturates the loop.
  if (share > LARGE_SHARE && isFull) return 'likely'
  return share > LEAST_SHARE ? 'possible' : undefined
}

/**
 * @param {WriteWork} work
 * @param {Confidence} confidence
 */
function workFinding({ frame, write, frames, figures, share, time }, confidence) {
  const isInner = functionKey(frame) !== functionKey(write)
  const subject = isInner ? `Called by ${describe(write)}` : 'Called by the stream'
  const held =
    figures.count === 0
      ? 'it held the loop in short pieces'
      : `it held the loop ${plural(figures.count, 'time')}, ${duration(figures.p50)} each, the longest ${duration(figures.max)}`
  const busy = share > 0 ? `; ${percent(share)} of the loop's busy time` : ''
  const delayed = figures.waited === 0 ? '' : `; requests waited ${plural(figures.waited, 'time')}`
  return finding({
    ...rules[0],
    title: 'computation in write()',
    confidence,
    frame,
    frames,
    evidence: {
      text: `${subject} for each chunk, ${held}${busy}${delayed}.`,
      ...figures,
      busy: share,
      write: { name: write.name, file: write.file, line: write.line }
    },
    fix:
      'pipeline(source, pool.stream(transform), destination), or pool.collect(transform) instead of the Writable, computes on other ' +
      'threads; without offloop, post each chunk to a worker thread, and call back when the thread has answered',
    time
  })
}

/** @param {Facts} facts */
function judgeBackpressure({ processes }) {
  const ignored = processes.flatMap(({ writes }) =>
    writes.flatMap((/** @type {WriteFact} */ fact) => {
      const confidence = confidenceOfWrites(fact)
      return confidence === undefined ? [] : [{ fact, confidence }]
    })
  )
  return groupBy(ignored, ({ fact }) => lineOf(fact)).map(group => {
    const { fact, confidence } = group.reduce((most, it) => (it.fact.buffered > most.fact.buffered ? it : most))
    return backpressureFinding(fact, confidence, sum(group.map(it => it.fact.streams)))
  })
}

/**
 * @param {WriteFact} fact
 * @returns {Confidence | undefined}
 */
function confidenceOfWrites({ frames, ignored, buffered, highWaterMark, unit }) {
  if (ignored <= USUAL_WRITES) return undefined
  if (unit === 'objects') return buffered > Math.max(MANY_OBJECTS, highWaterMark * MARKS) ? 'likely' : undefined
  if (buffered <= LITTLE || (buffered <= highWaterMark * MARKS && buffered <= MUCH)) return undefined
  const writer = frames.find(({ file }) => file !== '' && !file.startsWith('node:'))
  if (writer?.isUser === true) return 'certain'
  // The protocol of the package may not be able to pause.
  return buffered > MUCH ? 'likely' : 'possible'
}

/**
 * @param {WriteFact} fact
 * @param {Confidence} confidence
 * @param {number} streams
 */
function backpressureFinding(fact, confidence, streams) {
  const { frames, stream, kind, ignored, buffered, highWaterMark, unit } = fact
  const size = (/** @type {number} */ count) => (unit === 'objects' ? plural(count, 'object') : bytes(count))
  const target = kind === 'response' ? 'the response' : `the ${stream}`
  const all = streams > 1 ? ` This happened to ${number(streams)} streams.` : ''
  const text =
    `Wrote to ${target} ${number(ignored)} times in a row although write() had returned false: ` +
    `${size(buffered)} were buffered, with a high water mark of ${size(highWaterMark)}.${all}`
  return finding({
    ...rules[1],
    title: 'ignored backpressure',
    confidence,
    frame: callerOf(frames),
    frames,
    evidence: { text, stream, kind, ignored, buffered, highWaterMark, streams, unit: unit ?? 'bytes' },
    fix:
      'await pipeline(source, destination) of node:stream/promises, or await once(stream, "drain") when write() returns false; ' +
      'pool.stream and pool.collect apply backpressure themselves'
  })
}

module.exports = { judge, rules }
