'use strict'

// Runs most of whose requests fail.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { errorsOf } = require('../../lib/doctor/errors')
const { doctorOf } = require('../support/doctor-cli')
const { NO_DURATIONS, facts, processFacts } = require('../support/doctor-facts')

/**
 * @param {Record<string, number>} statuses
 * @param {number} [errors]
 */
function ofLoad(statuses, errors = 0) {
  const load = { requests: 1000, errors, statuses, connections: 1, durations: NO_DURATIONS }
  return errorsOf(facts([processFacts()], { load }))
}

test('most responses to the load are errors', () => {
  assert.equal(ofLoad({ 200: 500, 404: 500 }), undefined)
  assert.equal(ofLoad({ 200: 100, 302: 800, 500: 100 }), undefined)
  assert.equal(
    ofLoad({ 200: 100, 404: 300, 503: 600 }),
    '90 % of the responses to the load were errors, most with status 503'
  )
})

test('errors of connections count if there is no response', () => {
  assert.equal(ofLoad({}), undefined)
  assert.equal(ofLoad({ 200: 10 }, 5000), undefined)
  assert.equal(ofLoad({}, 5000), 'the load got no response, but 5,000 errors')
})

test('most responses of the program are errors', () => {
  const of = (/** @type {number} */ errors) =>
    errorsOf(facts([processFacts({ requests: { count: 1000, errors, routes: [] } })]))
  assert.equal(of(500), undefined)
  assert.equal(of(990), '99 % of the responses had a status of 500 or more')
})

test('a path that does not exist is not clean', async t => {
  const { run } = doctorOf(t, {
    'server.js': `
      require('node:http').createServer((request, response) => {
        if (request.url !== '/right') response.statusCode = 404
        response.end()
      }).listen(process.env.PORT)`
  })
  const load = ['--load', '/wrong', '-c', '4', '-d', '1', '--warmup', '0']
  const { code, output, report } = await run('doctor', ...load, '--', process.execPath, 'server.js')
  assert.deepEqual([code, report?.verdict], [3, 'inconclusive'])
  const reason = '100 % of the responses to the load were errors, most with status 404'
  assert.ok(report?.reason?.includes(reason), report?.reason)
  assert.ok(output.includes(reason), output)
})
