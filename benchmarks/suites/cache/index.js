'use strict'

module.exports = {
  cases: [
    ...require('./hits.js').cases,
    ...require('./zipf.js').cases,
    ...require('./miss.js').cases,
    ...require('./stampede.js').cases,
    ...require('./native-memory.js').cases,
    ...require('./native-delay.js').cases
  ]
}
