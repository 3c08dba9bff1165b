'use strict'

// A checkpoint after each large `JSON.parse` and `JSON.stringify`, the most frequent native blocks. V8 answers an interrupt when a
// function is entered; without a checkpoint, the calling function may have returned by then.

/** Text of this length or more takes milliseconds. */
const LARGE = 65_536

const METHODS = /** @type {const} */ (['parse', 'stringify'])

/** Does nothing: entering it answers an interrupt. Its name marks frames. */
function offloopCheckpoint() {}

/** The functions that were replaced, and their replacements. @type {Map<typeof METHODS[number], { original: any, replacement: any }>} */
const replaced = new Map()
let users = 0

/** Adds the checkpoints, except to a method that is an accessor or not configurable, as in a frozen `JSON`. */
function addCheckpoints() {
  if (users++ > 0) return
  for (const name of METHODS) {
    const original = JSON[name]
    const replacement = withCheckpoint(name, original)
    if (replace(name, replacement)) replaced.set(name, { original, replacement })
  }
}

function removeCheckpoints() {
  if (--users > 0) return
  for (const [name, { original, replacement }] of replaced) {
    if (JSON[name] === replacement) replace(name, original)
  }
  replaced.clear()
}

/**
 * @param {typeof METHODS[number]} name
 * @param {any} value
 */
function replace(name, value) {
  const current = Object.getOwnPropertyDescriptor(JSON, name)
  if (current === undefined || !('value' in current) || current.configurable !== true) return false
  return Reflect.defineProperty(JSON, name, { ...current, value })
}

/**
 * Returns a function that calls `original`, with its name and length.
 * @param {typeof METHODS[number]} name
 * @param {any} original
 */
function withCheckpoint(name, original) {
  const methods = {
    parse(/** @type {unknown} */ text, /** @type {unknown} */ reviver) {
      const value = original(text, reviver)
      if (typeof text === 'string' && text.length >= LARGE) offloopCheckpoint()
      return value
    },
    stringify(/** @type {unknown} */ value, /** @type {unknown} */ replacer, /** @type {unknown} */ space) {
      const text = original(value, replacer, space)
      if (typeof text === 'string' && text.length >= LARGE) offloopCheckpoint()
      return text
    }
  }
  return methods[name]
}

/** Returns an error whose first frame is in the file of the checkpoints, wherever a bundler put it. */
function sample() {
  return new Error('')
}

module.exports = { CHECKPOINT: offloopCheckpoint.name, METHODS, addCheckpoints, removeCheckpoints, sample }
