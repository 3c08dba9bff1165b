// Parts of blocks, and the figures of the measurement that all judges use.

import type { FactBlock, FactFrame, ProcessFacts } from '../facts'

export interface Setup {
  seconds: number
  requests: number
  /** Minimum duration of a block, in milliseconds. */
  threshold: number
}

/**
 * Kind of work in a part of a block. `start-up`: loading modules. `write`: a write function of a stream. `loop`: a call that is
 * awaited in a loop. `call`: any other function of the program or of a package. `unknown`: there is no stack, or no such function on it.
 */
export type Kind = 'start-up' | 'write' | 'loop' | 'call' | 'unknown'

/** The share of a block that one of its stacks represents. */
export interface Part {
  process: ProcessFacts
  block: FactBlock
  kind: Kind
  /** Stack, innermost frame first. */
  frames: FactFrame[]
  /** The guilty frame. */
  frame: FactFrame | undefined
  /** Share of `work`, in milliseconds. */
  time: number
  /** Own time of the whole block, in milliseconds, without the garbage collections that caused it. */
  work: number
  /** Whether the stack was captured after native code had returned. */
  isLate: boolean
}
