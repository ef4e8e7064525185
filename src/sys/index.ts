/** `socketry/sys`: the system calls as typed functions, for people who know the man pages. All others want `socketry`. */
export * from "./constants.ts";
export * from "./contract.ts";
export { sys } from "./current.ts";
export * from "./errno.ts";
