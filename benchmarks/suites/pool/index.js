'use strict'

module.exports = {
  cases: [
    ...require('./no-op.js').cases,
    ...require('./map.js').cases,
    ...require('./loop-delay.js').cases,
    ...require('./codecs.js').cases,
    ...require('./one-core.js').cases,
    ...require('./memory.js').cases,
    ...require('./start-up.js').cases
  ]
}
