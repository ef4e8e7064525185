/** `socketry/handover`: restart without losing a connection. */

export { HandoverError, type HandoverReason } from "../errors.ts";
export type { Drainable } from "./drain.ts";
export { drain } from "./drain.ts";
export type { Handover } from "./handover.ts";
export type {
	ConnectionListener,
	DatagramsListener,
	MovableConnection,
	StatefulConnection,
} from "./moving.ts";
export type { OfferOptions, Successor } from "./post.ts";
export type {
	DatagramsSpec,
	ListenSpec,
	ServingSocket,
	SocketFor,
	SocketSpec,
	SocketSpecs,
	SocketsFor,
} from "./sockets.ts";
export type { TakeOverOptions } from "./take-over.ts";
export { takeOver } from "./take-over.ts";
