'use strict'

const { clock } = require('../cache/clock')
const { invalidValue } = require('../internal/validate')
const { timing } = require('./timing')

/**
 * Returns the part of a cache that a link uses.
 * @param {import('./parts').Parts} parts
 * @param {import('../cache/native-store').NativeStore} store
 * @param {string} settings which all processes must have in common
 * @param {() => number} callsOf returns the number of calls of the cache
 * @param {(error: Error) => void} onRefused receives the error of a cache whose settings differ from those of other processes
 * @returns {import('./link').Member}
 */
function memberOf({ name, held, waits, writing }, store, settings, callsOf, onRefused) {
  let seen = 0
  /** @param {number} until */
  const onValid = until => {
    store.validUntil = until + (clock.now() - timing.now())
  }
  onValid(Number.NEGATIVE_INFINITY)
  return {
    name,
    settings,
    onMessage(key, message) {
      if (message.kind === 'cleared') {
        held.clear()
        return waits.wakeAll()
      }
      const isChange = message.kind === 'dropped' || message.kind === 'stored'
      if (isChange && !writing.has(message.version)) held.drop(key)
      waits.wake(key, message)
    },
    onGap() {
      held.clear()
      waits.wakeAll()
    },
    onValid,
    isUsed() {
      const isUsed = callsOf() !== seen
      seen = callsOf()
      return isUsed
    },
    onRefused(agreed) {
      const message = `The cache '${name}' of other processes has the settings ${agreed}. Received ${settings}`
      onRefused(invalidValue(message))
    }
  }
}

module.exports = { memberOf }
