'use strict'

module.exports = {
  rows: [
    ...require('./cache/hits.js').rows,
    ...require('./cache/zipf.js').rows,
    ...require('./cache/miss.js').rows,
    ...require('./cache/stampede.js').rows,
    ...require('./cache/native-memory.js').rows,
    ...require('./cache/native-delay.js').rows
  ]
}
