'use strict'

/** @typedef {import('../../watch').Capabilities} Capabilities */

/** @typedef {Omit<Capabilities, 'missing'>} Flags */

const NO_PROC = 'The files of this thread in /proc are absent or cannot be read'

/** Why a capability is absent where the loop can be watched. @type {Record<keyof Flags, string>} */
const REASONS = {
  iterations: 'The runtime has no event loop of libuv',
  stacks: 'The runtime does not export v8::Isolate::RequestInterrupt',
  cpu: NO_PROC,
  runQueue: NO_PROC,
  throttling: 'There is no cpu.stat of a control group, or it cannot be read',
  systemCalls: NO_PROC
}

/**
 * @param {Flags} flags
 * @returns {Capabilities}
 */
function withReasons(flags) {
  const absent = Object.entries(REASONS).filter(([name]) => !flags[/** @type {keyof Flags} */ (name)])
  return Object.freeze({ ...flags, missing: Object.freeze(Object.fromEntries(absent)) })
}

/**
 * Returns the capabilities of a watch that has only timers.
 * @param {string} reason
 * @returns {Capabilities}
 */
function timersAlone(reason) {
  const flags = { iterations: false, stacks: false, cpu: false, runQueue: false, throttling: false, systemCalls: false }
  const missing = Object.fromEntries(Object.keys(flags).map(name => [name, reason]))
  return Object.freeze({ ...flags, missing: Object.freeze(missing) })
}

module.exports = { timersAlone, withReasons }
