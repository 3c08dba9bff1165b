'use strict'

// Selects the blocks that the program caused, and divides them among their stacks.

const { requestCount, withoutThreads } = require('./processes')
const { guiltyFrame } = require('./sites')
const { isWriteCall } = require('./write-calls')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./parts').Kind} Kind
 * @typedef {import('./parts').Part} Part
 */

/** Loops whose passes all run in one event-loop iteration if the awaited promises are settled. */
const LOOPS = new Set(['for', 'for of', 'for in', 'for await', 'while', 'do'])
/** Loops that end. The other loops may be those of consumers, which run as long as the program and wait for events in each pass. */
const BOUNDED_LOOPS = new Set(['for', 'for of', 'for in'])
/** Functions that wait for another process or thread. */
const WAITS = /^(?:Atomics\.wait|spawnSync|execSync|execFileSync)$/
const MODULES = 'node:internal/modules'

/**
 * Returns the parts of all blocks that the rules judge.
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Part[]}
 */
function partsOf(facts, setup) {
  return judgedProcesses(facts).flatMap(process =>
    process.blocks.filter(block => isJudged(process, block, setup)).flatMap(block => divide(process, block))
  )
}

/**
 * Returns the processes whose blocks delay requests: those with requests or, in a program without requests, all but worker threads.
 * Other threads and processes may block by design.
 * @param {Facts} facts
 */
function judgedProcesses({ processes }) {
  const servers = processes.filter(process => requestCount(process) > 0)
  return servers.length > 0 ? servers : withoutThreads(processes)
}

/**
 * @param {ProcessFacts} process
 * @param {FactBlock} block
 * @param {Setup} setup
 */
function isJudged({ measured }, block, { threshold }) {
  // At a breakpoint, the thread waits for the debugger.
  if (block.cause === 'suspended' || (block.isDebugged && block.cause === 'blocked')) return false
  if (measured !== undefined && block.began < measured.from) return false
  return workOf(block) >= threshold
}

/** Returns the own time of a block. If garbage collections caused the block, their time is subtracted. @param {FactBlock} block */
function workOf({ own, gc, cause }) {
  return cause === 'gc' ? own - gc : own
}

/**
 * Divides a block into parts, one for each stack. A part lasts from halfway after the previous stack to halfway before the next one.
 * @param {ProcessFacts} process
 * @param {FactBlock} block
 * @returns {Part[]}
 */
function divide(process, block) {
  const work = workOf(block)
  const samples = block.samples.filter(({ frames }) => frames.length > 0)
  if (samples.length === 0)
    return [{ process, block, kind: 'unknown', frames: [], frame: undefined, time: work, work, isLate: true }]
  const ends = samples.map(({ at }, index) => {
    const next = samples[index + 1]
    return next === undefined ? block.duration : (at + next.at) / 2
  })
  return samples.map(({ frames, capture }, index) => {
    const length = Math.max(0, ends[index] - (ends[index - 1] ?? 0))
    const time = block.duration > 0 ? (work * length) / block.duration : 0
    return { process, block, ...classify(frames), frames, time, work, isLate: capture === 'late' }
  })
}

/**
 * @param {FactFrame[]} frames
 * @returns {{ kind: Kind, frame: FactFrame | undefined }}
 */
function classify(frames) {
  if (isStartUp(frames)) return { kind: 'start-up', frame: guiltyFrame(frames) }
  const write = frames.find((frame, index) => isWriteCall(frame, frames[index + 1]))
  if (write !== undefined) return { kind: 'write', frame: write }
  const loop = loopFrame(frames)
  if (loop !== undefined) return { kind: 'loop', frame: loop }
  const frame = frames.find(({ isUser }) => isUser) ?? frames.find(({ file }) => file.includes('node_modules'))
  return { kind: frame === undefined ? 'unknown' : 'call', frame }
}

/** @param {FactFrame[]} frames */
function isStartUp(frames) {
  return frames.some(({ file, isAsync }) => !isAsync && file.startsWith(MODULES))
}

/**
 * Returns the frame whose function awaits the frames before it in a loop. Beyond the first asynchronous frame, only loops that end count:
 * others may be consumers that wait for events in each pass.
 * @param {FactFrame[]} frames
 */
function loopFrame(frames) {
  const first = frames.findIndex(({ isAsync }) => isAsync)
  return frames.find(({ isUser, loop }, index) => {
    const kinds = first === -1 || index <= first ? LOOPS : BOUNDED_LOOPS
    return isUser && loop !== undefined && kinds.has(loop.kind)
  })
}

/**
 * Returns whether the thread waited in a system call. It did if the stack begins in a function that waits, even if the rest of the block
 * computed, and did not if the stack begins in JavaScript of the program.
 * @param {Part} part
 */
function isSystemCall(part) {
  const { block, frames, isLate } = part
  return callsWait(part) || (block.cause === 'blocked' && (isLate || frames[0]?.isUser !== true))
}

/**
 * Returns whether the thread waited for a lock of V8 or Node.js, which another thread without a core may have held.
 * @param {Part} part
 */
function isLockWait(part) {
  return part.block.systemCall === 'futex' && !callsWait(part)
}

/** Returns whether the line of the program calls a function that waits. @param {Part} part */
function callsWait({ frames }) {
  const first = frames.findIndex(({ isUser }) => isUser)
  return first > 0 && frames.slice(0, first).some(({ name }) => WAITS.test(name))
}

module.exports = { LOOPS, isLockWait, isSystemCall, judgedProcesses, partsOf }
