/**
 * The one way to the system calls, and the one seam: `sys` is a plain object whose methods a test may swap to make any call fail, return
 * short or come late (see `faults` in socketry/testing). Nothing else in the library calls the addon.
 */
import type { Engine, Sys } from "./contract.ts";
import { addon } from "./native.ts";

/** The system calls of this thread; every method may be replaced. */
export const sys: Sys & Engine = addon;
