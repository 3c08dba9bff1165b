// The measurement of a run as judges share it, and the parts of its blocks.

import type { FactBlock, FactFrame, ProcessFacts } from '../facts'

export interface Setup {
  seconds: number
  requests: number
  /** Duration of a block, in milliseconds. */
  threshold: number
}

/**
 * Rule that judges a part of a block. `start-up`: modules are being loaded. `write`: the function of a stream. `loop`: a call that is
 * awaited in a loop. `call`: any other function of the program or of a package. `unknown`: no stack, or none with either.
 */
export type Kind = 'start-up' | 'write' | 'loop' | 'call' | 'unknown'

/** The time of a block that one of its stacks stands for. */
export interface Part {
  process: ProcessFacts
  block: FactBlock
  kind: Kind
  /** Innermost first. */
  frames: FactFrame[]
  /** The guilty frame. */
  frame: FactFrame | undefined
  /** Milliseconds, without starvation. */
  time: number
  /** Work of the whole block. */
  work: number
  /** Whether the stack was captured after native code had returned. */
  isLate: boolean
}
