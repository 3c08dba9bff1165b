'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Blocks } = require('../../lib/doctor/probe/blocks')

/** @param {number} ms */
function busy(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('blocks of the program are reported, those of the doctor are not', async () => {
  /** @type {import('../../lib/doctor/facts').FactBlock[]} */
  const blocks = []
  const probe = new Blocks(20, block => blocks.push(block))
  probe.start()
  probe.begin()
  const doctor = () => probe.expect(() => busy(100))
  const both = () => {
    busy(30)
    doctor()
  }
  for (const work of [() => busy(100), both, doctor]) {
    await turn()
    work()
    await turn()
    await turn()
  }
  probe.stop()
  const names = blocks.flatMap(({ samples }) => samples.flatMap(({ frames }) => frames.map(({ name }) => name)))
  assert.ok(names.includes('busy'))
  assert.equal(names.includes('workOfTheDoctor'), false)
})
