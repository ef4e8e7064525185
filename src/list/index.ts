/** `socketry/list`: all sockets of this machine, with their processes and their other ends. */

export type { SocketKind, SocketState, TcpFigures } from "./kernel-socket.ts";
export { SOCKET_KINDS, SOCKET_STATES } from "./kernel-socket.ts";
export { listSockets } from "./list-sockets.ts";
export type { ListedSocket, ListingNote, SocketListing, SocketPeer } from "./listed-socket.ts";
export type { SocketHolder } from "./processes.ts";
export type { SocketFilter } from "./socket-filter.ts";
export { socketMatches } from "./socket-filter.ts";
