'use strict'

// Finds functions that hold the event loop: in JavaScript, in native code, or in a synchronous system call.

const { isLockWait, isSystemCall, partsOf } = require('./blocks')
const { isCrowd, routeKey, yields } = require('./crowd')
const { figuresOf, groupBy, groupsOf, measuredTime, timeOf } = require('./groups')
const { findingOf, latenessOf } = require('./handler-finding')
const { requestCount, starvedShare } = require('./processes')
const { contradicts, isAfterCall, nativeCaller, stackBefore } = require('./profile')
const { duration, finding, plural } = require('./sites')
const { largest, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./groups').Group} Group
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 */

const RULE = /** @type {const} */ (6)
const rules = [
  { rule: RULE, id: 'handler', title: 'functions that hold the loop' },
  { rule: RULE, id: 'system-call', title: 'synchronous system calls' },
  { rule: RULE, id: 'saturated', title: 'loop saturated by short callbacks' }
]

const LEAST_BLOCKS = 3
const LEAST_SHARE = 0.02
/** Duration from which a single block suffices, in milliseconds. */
const LONG = 250
/** Share of the time without a core above which other processes may be starved too. */
const STARVED = 0.05
/** Share of the time in blocks above which a program without requests counts as a batch job, whose blocks delay no requests. */
const BATCH_SHARE = 0.8
/** Share of the time from which a saturated loop is reported. */
const FULL_SHARE = 0.2
/** Files of Node.js that call the program when data from another process arrives. */
const SOCKETS = /^node:(net|dgram|tls|_tls_wrap|_http_\w+|internal\/(http2\/\w+|stream_base_commons|child_process))$/

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  const parts = partsOf(facts, setup).filter(({ kind }) => kind === 'call' || kind === 'unknown')
  const callers = nativeCallers(parts)
  const groups = groupsOf(parts, part => functionKey(part, callers)).map(beforeLate)
  const judged = groups.map(group => ({ group, confidence: confidenceOf(group, facts, setup) }))
  // Each block of a saturated loop consists of short calls of various functions, so no group of one function is reported.
  const rest = judged.flatMap(({ group, confidence }) => (confidence === undefined ? group.parts : []))
  const findings = judged
    .flatMap(({ group, confidence }) => (confidence === undefined ? [] : [findingOf(group, confidence, setup)]))
    .filter(finding => finding.id !== 'handler' || !contradicts(facts.processes, finding, finding.time))
  return [
    ...findings,
    ...saturation(
      rest.filter(part => !isSystemCall(part)),
      setup
    )
  ]
}

/**
 * Returns the functions that probably hold the loop in blocks without a stack, by kind of block.
 * @param {Part[]} parts
 */
function nativeCallers(parts) {
  const unknown = groupBy(
    parts.filter(({ frame }) => frame === undefined),
    kindOf
  )
  return new Map(unknown.map(group => [kindOf(group[0]), nativeCaller(group)]))
}

/**
 * Returns the group with the stack of the function that held the loop, as the profile shows it, if the captured stacks are late or show
 * the call after that function. Otherwise returns the group unchanged.
 * @param {Group} group
 * @returns {Group}
 */
function beforeLate(group) {
  const { parts, frame, frames } = group
  const isLate = latenessOf(parts) > 0
  if (!isLate && !isAfterCall(parts, frames)) return group
  const before = stackBefore(parts, frames)
  const located = before?.find(({ isUser }) => isUser)
  if (before === undefined || (!isLate && located?.name === frame?.name)) return group
  return { ...group, frame: located, frames: before, isLocated: true }
}

/** @param {Part} part */
function kindOf(part) {
  return isSystemCall(part) ? 'system call' : 'computation'
}

/**
 * Returns a key for the guilty function of a part and the kind of block. The key of an anonymous function has its caller and request.
 * @param {Part} part
 * @param {Map<string, FactFrame | undefined>} callers functions that hold the loop in blocks without a stack, by kind
 */
function functionKey(part, callers) {
  const { block, frames } = part
  const kind = kindOf(part)
  const frame = part.frame ?? callers.get(kind)
  if (frame === undefined) return kind
  if (frame.name !== '<anonymous>' && frame.name !== '') return `${kind} ${frame.file} ${frame.name}`
  const caller = frames[frames.indexOf(frame) + 1]
  const from = caller && `${caller.file}:${caller.line}:${caller.column}`
  return `${kind} ${frame.file} ${from} ${routeKey(block.request)}`
}

/**
 * @param {Group} group
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Confidence | undefined}
 */
function confidenceOf(group, facts, setup) {
  const { count, share, max, p50 } = figuresOf(group, setup)
  const isFrequent = count >= LEAST_BLOCKS && share > LEAST_SHARE
  if ((!isFrequent && max < LONG) || isCrowd(group.parts, setup) || yields(group, p50, setup)) return undefined
  if (isBatch(group, facts, setup) || group.parts.every(isLockWait)) return 'possible'
  if (!isFrequent && isStarvedCall(group, setup)) return 'possible'
  if (group.frame === undefined) return confidenceWithoutStack(group)
  return isFrequent && setup.requests > 0 ? 'certain' : 'likely'
}

/**
 * Returns whether a system call may have taken long because another process got no core: Node.js waits until a child process has started.
 * @param {Group} group
 * @param {Setup} setup
 */
function isStarvedCall({ parts }, setup) {
  return parts.some(part => isSystemCall(part) && starvedShare(part.process, setup) > STARVED)
}

/**
 * Returns the confidence in blocks without a stack. The profile may name the caller of native code; a wait may be one for events.
 * @param {Group} group
 * @returns {Confidence | undefined}
 */
function confidenceWithoutStack({ parts }) {
  if (nativeCaller(parts) !== undefined) return 'likely'
  return isSystemCall(parts[0]) ? undefined : 'possible'
}

/**
 * Returns whether the program is a batch job: no requests, no data from other processes, and nearly all of the time in blocks.
 * @param {Group} group
 * @param {Facts} facts
 * @param {Setup} setup
 */
function isBatch({ frames }, { processes }, setup) {
  if (setup.requests > 0 || frames.some(({ file }) => SOCKETS.test(file))) return false
  const shares = processes.map(process => {
    const time = measuredTime(process, setup.seconds)
    return time === 0 ? 0 : sum(process.blocks.map(({ own }) => own)) / time
  })
  return largest(shares) > BATCH_SHARE
}

/**
 * Returns a hint if short callbacks saturate the loop.
 * @param {readonly Part[]} parts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function saturation(parts, setup) {
  const [group] = groupsOf(parts, () => 'all')
  if (group === undefined) return []
  const figures = figuresOf(group, setup)
  if (figures.count < LEAST_BLOCKS || figures.share < FULL_SHARE) return []
  const processes = groupBy(parts, ({ process }) => process).map(([{ process }]) => process)
  const perRequest = group.time / Math.max(1, sum(processes.map(requestCount)))
  const text =
    `${plural(figures.count, 'iteration')} of the loop took ${duration(figures.p50)} each because many short callbacks were ready; ` +
    `no single callback was long: ${duration(perRequest)} for each request.`
  return [
    finding({
      ...rules[2],
      title: 'saturated event loop',
      confidence: 'possible',
      evidence: { text, ...figures, perRequest },
      fix: 'use more processes, or do less work per request; moving single calls to a pool helps little',
      time: group.time
    })
  ]
}

/**
 * Returns notes on blocks that the rule left out.
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Record<string, string>} notes by id of the rule
 */
function notes(facts, setup) {
  const starts = partsOf(facts, setup).filter(({ kind }) => kind === 'start-up')
  const dropped = sum(facts.processes.map(process => process.dropped))
  const debugged = facts.processes.some(({ blocks }) =>
    blocks.some(({ isDebugged, cause }) => isDebugged && cause === 'blocked')
  )
  const parts = [
    ...(starts.length === 0 ? [] : [`${duration(sum(starts.map(timeOf)))} of module loading was ignored`]),
    ...(dropped === 0 ? [] : [`${plural(dropped, 'block')} beyond the first 1,000 of a process were not recorded`]),
    ...(debugged ? ['waits with a debugger attached were not judged'] : [])
  ]
  return parts.length === 0 ? {} : { handler: parts.join('; ') }
}

module.exports = { judge, notes, rules }
