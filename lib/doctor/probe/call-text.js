'use strict'

// Describes calls to other services: whether they read, an excerpt for the report, and a template, which is the call without the values
// that differ from one call to the next.

const { describeText } = require('./text-protocol')

/** @typedef {import('./text-protocol').Description} Description */

/** Maximum number of characters of an excerpt. */
const EXCERPT = 40
/** Maximum number of characters for the hash and the template of a call, and number of them from the end of a longer call. */
const MOST = 2048
const LAST = 256
/** Maximum number of cached descriptions. */
const MAX_STATEMENTS = 256

/** Statements that control transactions and sessions, and health checks. */
const SQL_IGNORED =
  /^(?:begin|commit|rollback|start|savepoint|release|set|show|use|discard|deallocate|ping|end|lock|unlock|listen|unlisten|notify)\b|^select\s+(?:1|now\(\)|version\(\)|current_\w+|@@[\w.]+)(?:\s+(?:as\s+\w+|from\s+dual))?\s*;?$/i
const SQL_START =
  /\b(?:select|with|insert|update|delete|replace|merge|call|exec|execute|begin|commit|rollback|set|show)\s/i
const SQL_READ = /^(?:select|with|values|table|explain)\b/i
/** Parts of statements that change data, or return another result each time. */
const SQL_EFFECT =
  /\b(?:insert|update|delete|merge|into|nextval|setval|pg_\w+|get_lock|random|rand|uuid\w*|gen_random_uuid|newid)\b/i
const SQL_PAGED = /\b(?:offset|fetch)\b/i

const REDIS_IGNORED =
  /^(?:ping|echo|auth|hello|info|client|cluster|command|config|select|quit|multi|exec|discard|watch|unwatch|(?:p|s|un|pun|sun)?subscribe|wait|monitor|b[lrz]\w+|xread\w*|readonly|asking|time|script|evalsha|eval|object)$/i
const REDIS_READ =
  /^(?:m?get|getrange|strlen|exists|type|ttl|pttl|h(?:get|mget|getall|keys|vals|len|exists|strlen)|l(?:range|index|len|pos)|s(?:members|card|ismember|mismember|inter|union|diff)|z(?:range\w*|card|count|score|mscore|rank|revrank|revrange\w*|lexcount)|bitcount|getbit|xrange|xrevrange|xlen|geo(?:pos|dist|search|hash)|pfcount|json\.(?:get|mget)|dbsize|keys|dump)$/i
const REDIS_PAGED = /^[hsz]?scan$/i

const HTTP_IGNORED =
  /^\/(?:-\/)?(?:ready\w*|readiness|live\w*|liveness|metrics|status)(?:[/?]|$)|\/(?:health\w*|ping|readyz|livez|heartbeat)(?:[/?]|$)/i
/** Endpoints that issue access tokens: a request for a token does not write. */
const HTTP_TOKEN = /\/(?:oauth2?|(?:access[-_]?)?tokens?)\/?$/i
const HTTP_PAGED = /[?&](?:page|cursor|offset|after|before|start|skip|from|next\w*|\w*token)=/i

/** Cache of the descriptions of statements. @type {Map<string, Description | undefined>} */
const statements = new Map()

/**
 * Describes an SQL statement. Returns undefined for statements that are not counted.
 * @param {string} statement
 * @returns {Description | undefined}
 */
function describeSql(statement) {
  const known = statements.get(statement)
  if (known !== undefined || statements.has(statement)) return known
  const description = describeNewSql(statement)
  if (statements.size === MAX_STATEMENTS) statements.clear()
  if (statement.length <= MOST) statements.set(statement, description)
  return description
}

/**
 * @param {string} statement
 * @returns {Description | undefined}
 */
function describeNewSql(statement) {
  const text = statement.slice(0, MOST).trim()
  if (SQL_IGNORED.test(text)) return undefined
  const template = text
    .replace(/'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|\\.)*"(?=\s*[,)=]|\s*$)/g, '?')
    .replace(/\b\d+(?:\.\d+)?\b/g, '?')
    .replace(/\?(?:\s*,\s*\?)+/g, '?')
  const isRead = SQL_READ.test(text) && !SQL_EFFECT.test(template)
  return { access: isRead ? 'read' : 'write', text, template, isPaged: SQL_PAGED.test(template) }
}

/**
 * Describes a Redis command. Returns undefined for commands that are not counted.
 * @param {string} command
 * @param {readonly string[]} args without the command
 * @returns {Description | undefined}
 */
function describeRedis(command, args) {
  if (REDIS_IGNORED.test(command)) return undefined
  const name = command.toUpperCase()
  const template = args.length === 0 ? name : `${name} ${withoutIds(args[0], ':')}`
  return {
    access: REDIS_READ.test(command) ? 'read' : 'write',
    text: args.length === 0 ? name : `${name} ${args.join(' ')}`,
    template,
    family: familyOf(template, ':'),
    isPaged: REDIS_PAGED.test(command)
  }
}

/**
 * Describes an HTTP request. Returns undefined for requests that are not counted.
 * @param {string} method
 * @param {string} url path with query
 * @returns {Description | undefined}
 */
function describeHttp(method, url) {
  if (HTTP_IGNORED.test(url)) return undefined
  const end = url.indexOf('?')
  const path = end === -1 ? url : url.slice(0, end)
  const template = `${method} ${withoutIds(path, '/')}`
  return {
    access: method === 'GET' || method === 'HEAD' || (method === 'POST' && HTTP_TOKEN.test(path)) ? 'read' : 'write',
    // The values in a query may be secret.
    text: `${method} ${path}${end === -1 ? '' : '?…'}`,
    template,
    family: familyOf(template, '/'),
    isPaged: HTTP_PAGED.test(url)
  }
}

/**
 * Describes bytes that were written to a socket. Returns undefined if they do not belong to a text protocol.
 * @param {string} bytes
 * @returns {(Description & { kind: 'socket' | 'redis' | 'pg' | 'mysql2' }) | undefined}
 */
function describeBytes(bytes) {
  const command = /^\*\d+\r\n\$\d+\r\n/.test(bytes) ? commandOf(bytes) : undefined
  if (command !== undefined) return withKind('redis', describeRedis(command[0], command.slice(1)))
  const kind = databaseOf(bytes)
  const start = kind === 'socket' ? -1 : bytes.search(SQL_START)
  // A zero byte ends a statement of PostgreSQL.
  if (start !== -1) return withKind(kind, describeSql(bytes.slice(start).split('\0', 1)[0]))
  return withKind(kind, describeText(bytes))
}

/** Guesses the database from the first bytes of a packet. @param {string} bytes */
function databaseOf(bytes) {
  // The type of the message (query or parse), and the high byte of its length.
  if (/^[QP]\0/.test(bytes)) return 'pg'
  // The high byte of the length, the sequence number 0, and the command code of a query.
  return bytes.slice(2, 5) === '\0\0\x03' ? 'mysql2' : 'socket'
}

/**
 * @template {string} Kind
 * @param {Kind} kind
 * @param {Description | undefined} description
 */
function withKind(kind, description) {
  return description === undefined ? undefined : { kind, ...description }
}

/** Returns the words of a Redis command, or undefined if the bytes contain several commands. @param {string} bytes */
function commandOf(bytes) {
  const lines = bytes.split('\r\n')
  const count = Number(lines[0].slice(1))
  if (lines.length > 2 * count + 2) return undefined
  return lines.filter((_, index) => index > 0 && index % 2 === 0).slice(0, count)
}

/**
 * Replaces the parts of a text that contain digits.
 * @param {string} text
 * @param {string} separator
 */
function withoutIds(text, separator) {
  return text
    .split(separator)
    .map(part => (/\d/.test(part) ? '?' : part))
    .join(separator)
}

/**
 * Returns a template without its last part, which is an id without digits if many templates differ only in that part.
 * @param {string} template
 * @param {string} separator
 */
function familyOf(template, separator) {
  const end = template.lastIndexOf(separator)
  return end === -1 || template.endsWith('?') ? undefined : `${template.slice(0, end + 1)}?`
}

/** Returns the beginning of a call in printable form, for the report. @param {string} text */
function excerpt(text) {
  const plain = text
    .slice(0, 4 * EXCERPT)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are removed.
    .replace(/[\s\x00-\x1f\x7f-\xff]+/g, ' ')
    .trim()
  return plain.length > EXCERPT ? `${plain.slice(0, EXCERPT - 1)}…` : plain
}

/** Returns a hash of 53 bits. That of a long text covers its beginning, its end and its length. @param {string} text */
function hashOf(text) {
  const { length } = text
  const shown = length > MOST ? text.slice(0, MOST - LAST) + text.slice(-LAST) : text
  let one = 0x811c9dc5 ^ length
  let two = 0x9e3779b9 + length
  for (let index = 0; index < shown.length; index++) {
    const code = shown.charCodeAt(index)
    one = Math.imul(one ^ code, 0x01000193)
    two = Math.imul(two ^ code, 0x85ebca6b) + (two >>> 13)
  }
  return (one >>> 0) * 2 ** 21 + (two >>> 11)
}

/**
 * Returns arguments as text. Returns undefined unless they are primitive values or arrays of them: formatting other objects may run code
 * of the program.
 * @param {unknown} value
 * @param {number} [depth]
 * @returns {string | undefined}
 */
function textOf(value, depth = 0) {
  if (typeof value === 'string') return `"${value}"`
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return String(value)
  if (!Array.isArray(value) || depth > 1 || value.length > 256) return undefined
  const texts = value.map(item => textOf(item, depth + 1))
  return texts.includes(undefined) ? undefined : `[${texts.join(',')}]`
}

module.exports = { describeBytes, describeHttp, describeRedis, describeSql, excerpt, hashOf, textOf }
