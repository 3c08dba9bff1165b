'use strict'

// Replaces functions of Node.js with wrappers, before the program can read the originals.

/** @typedef {(this: unknown, ...args: any[]) => unknown} AnyFunction */

/**
 * Replaces the functions of several properties, or none of them if one cannot be replaced. Properties with the same function get the same
 * wrapper, which has the name, the length and the other properties of that function.
 * @param {readonly (readonly [owner: object, name: string])[]} properties inherited ones are left out
 * @param {(original: AnyFunction) => AnyFunction} wrap
 * @returns {'replaced' | 'fixed'} `fixed`: a property cannot be changed
 */
function replace(properties, wrap) {
  const own = properties.flatMap(([owner, name]) => {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)
    return descriptor === undefined ? [] : [{ owner, name, descriptor }]
  })
  if (own.length === 0 || own.some(({ descriptor }) => !isReplaceable(descriptor))) return 'fixed'
  /** @type {Map<AnyFunction, AnyFunction>} */
  const wrappers = new Map()
  for (const { owner, name, descriptor } of own) {
    const original = descriptor.value
    const wrapper = wrappers.get(original) ?? resembling(wrap(original), original)
    wrappers.set(original, wrapper)
    Object.defineProperty(owner, name, { ...descriptor, value: wrapper })
  }
  return 'replaced'
}

/** @param {PropertyDescriptor} descriptor */
function isReplaceable({ value, configurable, writable }) {
  return typeof value === 'function' && (configurable === true || writable === true)
}

/**
 * @param {AnyFunction} wrapper
 * @param {AnyFunction} original
 */
function resembling(wrapper, original) {
  return Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original))
}

module.exports = { replace }
