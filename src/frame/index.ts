/** `socketry/frame`: messages over streams of bytes. */

export type { Codec, CodecOptions, Decoder } from "./codec.ts";
export { delimited } from "./delimited.ts";
export { decode, FramedStream, framed } from "./framed.ts";
export type { LengthPrefixedOptions } from "./length-prefixed.ts";
export { lengthPrefixed } from "./length-prefixed.ts";
export type { LinesOptions } from "./lines.ts";
export { lines } from "./lines.ts";
export { netstrings } from "./netstrings.ts";
