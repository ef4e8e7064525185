/** `socketry/socket`: the calls of the man pages, on owned descriptors. */
export type { ShutdownHow } from "./endpoint.ts";
export { Endpoint } from "./endpoint.ts";
export type { SocketFamily, SocketType } from "./kind.ts";
export type { SocketAddress } from "./sockaddr.ts";
export { decodeSocketAddress, encodeSocketAddress } from "./sockaddr.ts";
export type { BlockTransferOptions, Received, TransferOptions } from "./socket.ts";
export { Socket, socket, socketpair } from "./socket.ts";
export type { BlockOptions, WaitOptions } from "./wait.ts";
