export type { Check, CheckOptions, Ends, PairFactory } from "./check.ts";
export { CheckError } from "./check.ts";

export { byteStreamChecks, checkByteStream } from "./check-byte-stream.ts";
export { checkPacketChannel, packetChannelChecks } from "./check-packet-channel.ts";
export type { MemoryPackets, MemoryPacketsOptions } from "./memory-packets.ts";
export { memoryPackets } from "./memory-packets.ts";
export type { MemoryStream, MemoryStreamOptions } from "./memory-stream.ts";
export { memoryStreams } from "./memory-stream.ts";
