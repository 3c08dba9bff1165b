'use strict'

const { transforms } = require('../..')

/** Names of all transforms, as in `transforms.<name>`. */
const transformNames = Object.entries(transforms).flatMap(([name, value]) =>
  typeof value === 'function' ? [name] : Object.keys(value).map(inner => `${name}.${inner}`)
)

module.exports = { transformNames }
