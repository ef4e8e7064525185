export type { Check, CheckOptions, Ends, PairFactory } from "./check.ts";
export { CheckError } from "./check.ts";

export { byteStreamChecks, checkByteStream } from "./check-byte-stream.ts";
