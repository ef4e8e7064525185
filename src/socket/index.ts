/** `socketry/socket`: the calls of the man pages, on owned descriptors. */

export type { BlockTransferOptions, TransferOptions } from "./calls.ts";
export type { ControlMessage } from "./control.ts";
export { controlSpaceBytes, credentialsMessage, rightsMessage, segmentMessage } from "./control.ts";
export type { ShutdownHow } from "./endpoint.ts";
export { Endpoint } from "./endpoint.ts";
export type { SocketFamily, SocketType } from "./kind.ts";
export type { MessageOptions, ReceivedMessage, SendMessageOptions } from "./message-call.ts";
export type {
	OptionDescription,
	OptionInput,
	OptionName,
	OptionValue,
	ReadableOptionName,
	WritableOptionName,
} from "./option-table.ts";
export { describeOption, listOptions } from "./option-table.ts";
export type { SocketAddress } from "./sockaddr.ts";
export { decodeSocketAddress, encodeSocketAddress } from "./sockaddr.ts";
export { Socket, socket, socketpair } from "./socket.ts";
export type { Received } from "./transfers.ts";
export type { BlockOptions, WaitOptions } from "./wait.ts";
