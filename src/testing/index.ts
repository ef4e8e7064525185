export type { Check, CheckOptions, Ends, PairFactory } from "./check.ts";
export { CheckError } from "./check.ts";

export { byteStreamChecks, checkByteStream } from "./check-byte-stream.ts";
export { checkPacketChannel, packetChannelChecks } from "./check-packet-channel.ts";
export type { Fault, FaultPlan, FaultyCall } from "./faults.ts";
export { injectFaults } from "./faults.ts";
export type { LeakOptions, OpenResources } from "./leaks.ts";
export { assertNoLeaks, findLeaks, openResources } from "./leaks.ts";
export type { MemoryPackets, MemoryPacketsOptions } from "./memory-packets.ts";
export { memoryPackets } from "./memory-packets.ts";
export type { MemoryStream, MemoryStreamOptions } from "./memory-stream.ts";
export { memoryStreams } from "./memory-stream.ts";
export type { ScriptStep } from "./script.ts";
export { ScriptError } from "./script.ts";
export type { ScriptedStream } from "./scripted-stream.ts";
export { scriptedStream } from "./scripted-stream.ts";
