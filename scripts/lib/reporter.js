'use strict'

// A node:test reporter that writes the events for the runner as JSON lines.

const { inspect } = require('node:util')

const REPORTED = new Set(['test:dequeue', 'test:pass', 'test:fail', 'test:diagnostic'])

/**
 * @param {AsyncIterable<{ type: string, data: any }>} source
 * @returns {AsyncGenerator<string>}
 */
module.exports = async function* report(source) {
  for await (const { type, data } of source) {
    if (!REPORTED.has(type)) continue
    const { name, nesting, skip, todo, message } = data
    const error = type === 'test:fail' ? describe(data.details.error) : undefined
    const suite = data.details?.type === 'suite'
    yield `${JSON.stringify({ type: type.slice(5), name, nesting, skip, todo, suite, error, message })}\n`
  }
  yield '{"type":"end"}\n'
}

/** @param {any} error wrapper of node:test around the thrown value */
function describe(error) {
  const cause = error?.cause ?? error
  if (error?.failureType === 'subtestsFailed') return undefined
  return cause instanceof Error ? cause.stack + details(cause) : inspect(cause)
}

/** @param {Error} error */
function details(error) {
  const own = Object.keys(error).length > 0 || error.cause !== undefined
  return own && error.name !== 'AssertionError' ? `\n${inspect({ ...error, cause: error.cause })}` : ''
}
