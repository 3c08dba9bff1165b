'use strict'

const assert = require('node:assert/strict')
const { channel } = require('node:diagnostics_channel')
const { test } = require('node:test')
const { setImmediate } = require('node:timers/promises')
const { RequestTimes } = require('../../lib/doctor/probe/requests')

const start = channel('http.server.request.start')
const end = channel('http.server.response.finish')

const times = new RequestTimes()
times.start()

/**
 * @param {string} url
 * @param {number} [statusCode]
 */
function begin(url, statusCode = 200) {
  const response = { req: { method: 'GET', url }, statusCode }
  start.publish({ response })
  return response
}

/**
 * @param {string} url
 * @param {number} [statusCode]
 */
function complete(url, statusCode) {
  const response = begin(url, statusCode)
  end.publish({ response })
}

/** Waits until the ends of responses are not observed. */
async function unobserved() {
  while (end.hasSubscribers) await setImmediate()
}

test('requests in the warm-up do not count', () => {
  complete('/warm-up')
  times.begin()
  complete('/measured')
  const { count, routes } = times.collect()
  assert.equal(count, 1)
  assert.deepEqual(
    routes.map(({ route }) => route),
    ['/measured']
  )
})

test('a response shows no trace of its timing', () => {
  times.begin()
  times.sample()
  const response = begin('/')
  assert.deepEqual(Reflect.ownKeys(response), ['req', 'statusCode'])
  end.publish({ response })
  assert.equal(times.collect().durations?.count, 1)
})

test('each request of a slow server is timed', () => {
  times.begin()
  for (let interval = 0; interval < 3; interval++) {
    times.sample()
    for (let i = 0; i < 100; i++) complete(i % 4 === 0 ? '/one' : '/other', i % 50 === 0 ? 500 : 200)
  }
  const { count, errors, durations, routes } = times.collect()
  assert.deepEqual([count, errors, durations?.count], [300, 6, 300])
  assert.deepEqual(
    routes.map(({ route, count }) => [route, count]),
    [
      ['/one', 75],
      ['/other', 225]
    ]
  )
})

test('a burst stands for the requests of a fast server, whose other responses are not observed', async () => {
  times.begin()
  times.sample()
  let sent = 0
  const send = (/** @type {number} */ number) => {
    for (let i = 0; i < number; i++) complete(sent++ % 4 === 0 ? '/one' : '/other', sent % 10 === 0 ? 503 : 200)
  }
  send(5000)
  for (let interval = 0; interval < 4; interval++) {
    await unobserved()
    times.sample()
    // The burst begins at a random time of the interval.
    for (let before = times.collect().durations?.count; times.collect().durations?.count === before; send(1)) {
      await setImmediate()
    }
    send(5000)
  }
  await unobserved()
  const { count, errors, routes } = times.collect()
  assert.equal(count, sent)
  const [one, other] = routes.map(route => route.count)
  assert.ok(Math.abs(one / (one + other) - 0.25) < 0.02, `${one} of ${one + other}`)
  assert.ok(Math.abs(one + other - sent) <= 1, `${one + other} of ${sent}`)
  assert.ok(Math.abs(errors / (one + other) - 0.1) < 0.02, `${errors} of ${one + other}`)
})

test('the end of a slow response is observed after its burst', async () => {
  times.begin()
  times.sample()
  for (let i = 0; i < 1000; i++) complete('/fast')
  await unobserved()
  times.sample()
  /** @type {object[]} */
  const open = []
  while (!end.hasSubscribers) {
    await setImmediate()
    open.push(begin('/slow'))
  }
  times.sample()
  for (const response of open) end.publish({ response })
  assert.ok(times.collect().routes.some(({ route, count }) => route === '/slow' && count > 0))
})

test('a burst that has not begun outlasts a long iteration of the loop', async () => {
  times.begin()
  times.sample()
  for (let i = 0; i < 1000; i++) complete('/before')
  await unobserved()
  times.sample()
  // Both timers are due after an iteration that is longer than the interval between samples.
  for (const until = performance.now() + 300; performance.now() < until; );
  await new Promise(resolve => setTimeout(resolve, 1))
  times.sample()
  for (let i = 0; i < 1000; i++) complete('/after')
  assert.ok(times.collect().routes.some(({ route }) => route === '/after'))
})

test('samples that are close together start one burst', async () => {
  times.begin()
  times.sample()
  for (let interval = 0; interval < 5; interval++) {
    for (let i = 0; i < 1000; i++) complete('/one')
    times.sample()
  }
  let hasPassed = false
  // This timer is due after those of all bursts.
  setTimeout(() => (hasPassed = true), 250)
  const before = times.collect().durations?.count ?? 0
  for (; !hasPassed; await setImmediate()) for (let i = 0; i < 10; i++) complete('/one')
  // Each of the 250 requests of the burst stands for four.
  assert.equal((times.collect().durations?.count ?? 0) - before, 1000)
})

test('a request has the weight of the time at which it began', async () => {
  times.begin()
  times.sample()
  const slow = begin('/slow')
  for (let i = 0; i < 5000; i++) complete('/fast')
  times.sample()
  end.publish({ response: slow })
  await unobserved()
  const { count, routes } = times.collect()
  const [fast, other] = ['/fast', '/slow'].map(name => routes.find(({ route }) => route === name)?.count ?? 0)
  assert.equal(count, 5001)
  assert.ok(other < 30 && fast + other <= 5002, `${other} of ${fast + other}`)
})
