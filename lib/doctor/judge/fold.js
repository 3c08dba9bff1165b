'use strict'

// Removes findings that another finding explains, so that each fault has one finding.

/**
 * @typedef {import('../../../doctor').Finding} Finding
 *
 * @typedef {Pick<Finding, 'file' | 'line' | 'column' | 'function'>} Position
 *
 * Condition under which findings of some rules explain findings of others.
 * @typedef {object} Explanation
 * @property {readonly (Finding['rule'] | string)[]} by numbers or ids of the rules of causes
 * @property {readonly (Finding['rule'] | string)[]} of numbers or ids of the rules of effects
 * @property {(cause: Finding, effect: Finding) => boolean} if
 */

const RANKS = { possible: 0, likely: 1, certain: 2 }
/** Ratio of the times of two findings from which the smaller finding is negligible. */
const MUCH = 5
/** Maximum distance of nearby lines. */
const NEAR = 10
/** Retaining paths through listeners, stream buffers and timers. */
const HOLDERS = /listener|_events|kEvents|WritableState|buffered|\bTimeout\b|TimersList/i

/** @type {Explanation[]} */
const EXPLANATIONS = [
  // Starting a worker or a process holds the loop, adds listeners, and temporarily takes memory.
  { by: [8], of: [2, 3, 4, 6], if: runsLine },
  { by: [8], of: [5], if: (_, { name }) => name === undefined },
  // Adding a listener to an AbortSignal compares it with all others, which takes time.
  { by: [2], of: [6], if: isAt },
  // Another stack of the same block may show a function that the guilty line calls.
  { by: [3, 4], of: [6], if: runsLine },
  // The function with the loop also computes between the awaited calls.
  { by: ['await-loop'], of: ['handler'], if: isCostlierInFunction },
  // The first call of the loop may begin on another stack.
  { by: ['await-loop'], of: ['handler'], if: isMinorInCallee },
  // A stack that was captured late may lack the frames of the stream.
  { by: [3], of: [6], if: isNear },
  { by: ['handler'], of: [4], if: (cause, effect) => effect.confidence === 'possible' && runsLine(effect, cause) },
  // A caller may compute too.
  { by: ['handler', 'system-call'], of: ['handler', 'system-call'], if: isOnOneStack },
  // A late stack may show a line after the long call.
  { by: ['handler', 'system-call'], of: ['handler', 'system-call'], if: isBesideCall },
  // Starting a process makes system calls.
  { by: [8], of: ['system-call'], if: isNearby },
  // A stream that ends joins its buffered chunks, which takes time. Waiting for `drain` also lets the event loop continue.
  { by: ['backpressure'], of: ['handler', 'await-loop'], if: isNearby },
  // Listeners and buffers hold memory.
  { by: [2, 3], of: [5], if: (_, { name, evidence }) => name === undefined || HOLDERS.test(String(evidence.path)) },
  { by: ['growth'], of: ['pauses'], if: () => true },
  // A function that computes also makes garbage, whose collections interrupt the function.
  { by: [3, 4, 'handler', 'pauses'], of: ['handler', 'pauses'], if: isCostlierOnStack },
  { by: [1], of: ['concurrency'], if: () => true },
  // Long calls also saturate a loop.
  { by: [3, 4, 'handler', 'system-call', 'more-threads'], of: ['saturated'], if: () => true }
]

/**
 * Returns the findings that no other finding explains. Their `evidence.also` lists the findings that they explain.
 * @param {readonly Finding[]} findings
 * @returns {Finding[]}
 */
function fold(findings) {
  const causes = new Map(findings.map(effect => [effect, findings.find(cause => explains(cause, effect))]))
  return findings
    .filter(finding => causes.get(finding) === undefined)
    .map(finding => {
      const effects = findings.filter(effect => effect !== finding && rootOf(effect, causes) === finding)
      if (effects.length === 0) return finding
      const also = effects.map(({ rule, id, title, file, line, evidence }) => ({
        rule,
        id,
        title,
        file,
        line,
        text: evidence.text
      }))
      return { ...finding, evidence: { ...finding.evidence, also } }
    })
}

/**
 * @param {Finding} cause
 * @param {Finding} effect
 */
function explains(cause, effect) {
  if (cause === effect || isWeaker(cause, effect)) return false
  return EXPLANATIONS.some(it => names(it.by, cause) && names(it.of, effect) && it.if(cause, effect))
}

/**
 * Returns whether a cause is too weak to explain an effect. A hint explains only hints; of two findings of a rule, the one that cost
 * less time is the weaker one.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isWeaker(cause, effect) {
  if (cause.confidence === 'possible') return RANKS[effect.confidence] > RANKS.possible
  return (
    cause.rule === effect.rule && (cause.time < effect.time || (cause.time === effect.time && cause.id > effect.id))
  )
}

/**
 * @param {readonly (Finding['rule'] | string)[]} list
 * @param {Finding} finding
 */
function names(list, { rule, id }) {
  return list.includes(rule) || list.includes(id)
}

/**
 * Returns whether the effect happens on the guilty line of the cause, or in a function that the line calls.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function runsLine(cause, effect) {
  return isAt(cause, effect) || effect.frames.some(frame => isAt(cause, { ...frame, function: frame.name }))
}

/**
 * Returns whether one of two findings happens on the guilty line of the other, or in a function that this line calls.
 * @param {Finding} one
 * @param {Finding} other
 */
function isOnOneStack(one, other) {
  return runsLine(one, other) || runsLine(other, one)
}

/**
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isCostlierOnStack(cause, effect) {
  return cause.id !== effect.id && cause.time >= effect.time && isOnOneStack(cause, effect)
}

/**
 * Returns whether the effect happens in the function of the cause, or in a function that it calls, and costs less.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isCostlierInFunction(cause, effect) {
  const isIt = (/** @type {Position} */ it) =>
    it.file === cause.file && it.function === cause.function && (it.function !== '<anonymous>' || isNear(it, cause))
  return (
    cause.time >= effect.time &&
    (isIt(effect) || effect.frames.some(frame => !frame.isAsync && isIt({ ...frame, function: frame.name })))
  )
}

/**
 * Returns whether the effect is negligible, and happens in a function that the guilty line calls.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isMinorInCallee(cause, effect) {
  if (cause.time < MUCH * effect.time) return false
  const guilty = cause.frames.findIndex(frame => frame.file === cause.file && frame.line === cause.line)
  const callees = cause.frames.slice(0, Math.max(0, guilty))
  return callees.some(frame => isNear({ ...frame, function: frame.name }, effect))
}

/**
 * Returns whether the effect is negligible, and happens near a call that leads to the guilty line.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isBesideCall(cause, effect) {
  if (cause.time < MUCH * effect.time) return false
  const guilty = cause.frames.findIndex(frame => frame.file === cause.file && frame.line === cause.line)
  const callers = cause.frames.slice(guilty + 1)
  return callers.some(frame => isNear({ ...frame, function: frame.name }, effect))
}

/**
 * Returns whether the effect happens near the guilty line.
 * @param {Finding} cause
 * @param {Finding} effect
 */
function isNearby(cause, effect) {
  return isNear(cause, { ...effect, function: cause.function })
}

/**
 * Returns whether two positions are nearby lines of one function.
 * @param {Position} one
 * @param {Position} other
 */
function isNear(one, other) {
  const isFile = one.file !== '' && one.file === other.file && one.function === other.function
  return isFile && Math.abs(one.line - other.line) <= NEAR
}

/**
 * Returns whether two positions are on one line, and at one call or in one function: a line of generated code may contain many
 * functions.
 * @param {Position} one
 * @param {Position} other
 */
function isAt(one, other) {
  const isLine = one.file !== '' && one.file === other.file && one.line === other.line
  return isLine && (one.column === other.column || one.function === other.function)
}

/**
 * Returns the finding that explains a finding, directly or through others.
 * @param {Finding} finding
 * @param {Map<Finding, Finding | undefined>} causes
 */
function rootOf(finding, causes) {
  let root = finding
  // The chain ends, because two findings never explain one another.
  for (let cause = causes.get(root); cause !== undefined; cause = causes.get(root)) root = cause
  return root
}

module.exports = { fold }
