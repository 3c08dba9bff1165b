'use strict'

// The checks for other runtimes pass under Node.js too.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')
const { runtimeChecks } = require('../../scripts/matrix/runtime-checks')

for (const name of Object.keys(runtimeChecks)) {
  test(name, async () => {
    const { code, stdout, stderr } = await node([require.resolve('../../scripts/matrix/runtime-checks'), name])
    assert.deepEqual([code, stdout], [0, 'passed\n'], stderr)
  })
}
