'use strict'

// Checks recorded reports against schema.json, by the keywords that it uses.

const schema = /** @type {Schema} */ (/** @type {unknown} */ (require('./schema.json')))

/**
 * @typedef {'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null'} Type
 *
 * @typedef {object} Schema
 * @property {string} [$ref]
 * @property {unknown} [const]
 * @property {unknown[]} [enum]
 * @property {Type | Type[]} [type]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {Schema[]} [oneOf]
 * @property {string[]} [required]
 * @property {Record<string, Schema>} [properties]
 * @property {Schema} [additionalProperties]
 * @property {Schema} [items]
 * @property {Record<string, Schema>} [definitions]
 */

/** Returns the first fault of a value that is not a report, in words, or `undefined`. @param {unknown} value */
function faultOfReport(value) {
  return faultOf(value, schema, '')
}

/**
 * @param {any} value
 * @param {Schema} expected
 * @param {string} path of the value in the report
 * @returns {string | undefined}
 */
function faultOf(value, expected, path) {
  if (expected.$ref !== undefined) return faultOf(value, definitionOf(expected.$ref), path)
  if (expected.oneOf !== undefined) return faultOfChoice(value, expected.oneOf, path)
  return faultOfValue(value, expected, path) ?? faultOfParts(value, expected, path)
}

/** @param {string} reference */
function definitionOf(reference) {
  return /** @type {Schema} */ (schema.definitions?.[reference.slice('#/definitions/'.length)])
}

/**
 * @param {unknown} value
 * @param {Schema[]} choices
 * @param {string} path
 */
function faultOfChoice(value, choices, path) {
  const faults = choices.map(choice => faultOf(value, choice, path))
  return faults.includes(undefined) ? undefined : faults.at(-1)
}

/**
 * @param {unknown} value
 * @param {Schema} expected
 * @param {string} path
 */
function faultOfValue(value, expected, path) {
  const name = path === '' ? 'the report' : `"${path}"`
  const received = `received ${shown(value)}`
  if (expected.const !== undefined && value !== expected.const) return `${name} must be ${expected.const}, ${received}`
  if (expected.enum?.includes(value) === false) return `${name} must be one of ${expected.enum.join(', ')}, ${received}`
  const types = expected.type === undefined ? [] : [expected.type].flat()
  if (types.length > 0 && !types.some(type => isOfType(value, type)))
    return `${name} must be of type ${types.join(' or ')}, ${received}`
  if (Number(value) < (expected.minimum ?? -Infinity))
    return `${name} must be at least ${expected.minimum}, ${received}`
  if (Number(value) > (expected.maximum ?? Infinity)) return `${name} must be at most ${expected.maximum}, ${received}`
  return undefined
}

/**
 * @param {any} value
 * @param {Schema} expected
 * @param {string} path
 */
function faultOfParts(value, { required = [], properties = {}, additionalProperties, items }, path) {
  if (Array.isArray(value))
    return (
      items &&
      firstFault(
        value.entries(),
        () => items,
        index => `${path}[${index}]`
      )
    )
  if (typeof value !== 'object' || value === null) return undefined
  const missing = required.find(name => !Object.hasOwn(value, name))
  const inside = (/** @type {string | number} */ name) => (path === '' ? String(name) : `${path}.${name}`)
  if (missing !== undefined) return `"${inside(missing)}" is missing`
  const schemaOf = (/** @type {string | number} */ name) =>
    Object.hasOwn(properties, name) ? properties[name] : additionalProperties
  return firstFault(Object.entries(value), schemaOf, inside)
}

/**
 * @param {Iterable<[string | number, unknown]>} entries
 * @param {(name: string | number) => Schema | undefined} schemaOf
 * @param {(name: string | number) => string} pathOf
 */
function firstFault(entries, schemaOf, pathOf) {
  for (const [name, value] of entries) {
    const expected = schemaOf(name)
    const fault = expected && faultOf(value, expected, pathOf(name))
    if (fault !== undefined) return fault
  }
  return undefined
}

/**
 * @param {unknown} value
 * @param {Type} type
 */
function isOfType(value, type) {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

/** @param {unknown} value */
function shown(value) {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

module.exports = { faultOfReport }
