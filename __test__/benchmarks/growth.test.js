'use strict'

// Cases that compare two sizes.

const assert = require('node:assert/strict')
const { join, relative } = require('node:path')
const { test } = require('node:test')
const { growthCase } = require('../../benchmarks/harness/growth.js')
const { summary } = require('../../benchmarks/harness/summary.js')

const root = join(__dirname, '..', '..')

test('growth is the cost at the large size divided by the cost at the small one', async () => {
  const benchmark = growthCase({
    name: 'case',
    what: 'calls',
    file: relative(join(root, 'benchmarks', 'load'), require.resolve('../fixtures/benchmarks/cost.js')),
    sizes: [1000, 3000],
    operations: ['constant', 'linear'],
    contenders: ['offloop', 'Map']
  })
  const contenders = await benchmark.open(2)
  const outcomes = await Promise.all(contenders.map(async ({ name, round }) => ({ name, rounds: [await round()] })))
  const { values, targets } = summary('scale', benchmark, { threads: 2, contenders: outcomes })
  assert.deepEqual(
    values.filter(({ contender }) => contender === 'offloop').map(({ measure, value }) => [measure, value]),
    [
      ['constant, growth', 1],
      ['constant, 1,000', 7],
      ['constant, 3,000', 7],
      ['linear, growth', 3],
      ['linear, 1,000', 2000],
      ['linear, 3,000', 6000]
    ]
  )
  assert.deepEqual(
    targets.map(({ measure, contender, text, met }) => [measure, contender, text, met]),
    [
      ['constant, growth', 'offloop', '≤ 1.5 ×', true],
      ['linear, growth', 'offloop', '≤ 1.5 ×', false]
    ]
  )
})
