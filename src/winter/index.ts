/** `socketry/winter`: the Sockets API of WinterTC. */

export type {
	AnySocketAddress,
	SecureTransportKind,
	SocketAddress,
	SocketOptions,
} from "./arguments.ts";
export type { BindingOptions, Connect } from "./connect.ts";
export { binding, connect } from "./connect.ts";
export type { SocketInfo } from "./socket.ts";
export { Socket } from "./socket.ts";
export { SocketError } from "./socket-error.ts";
