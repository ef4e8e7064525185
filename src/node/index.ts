/** `socketry/node`: Node's own sockets, servers and streams made of this library's, and the other way round. */

export type { AttachHttpOptions } from "./attach-http.ts";
export { attachHttp } from "./attach-http.ts";
export type { ConnectDuplexOptions, CreateConnection } from "./connecting-duplex.ts";
export { connectDuplex, createConnectionTo } from "./connecting-duplex.ts";
export type { DuplexStream } from "./duplex-stream.ts";
export { fromDuplex } from "./duplex-stream.ts";
export type { FromNetSocketOptions } from "./from-net-socket.ts";
export { fromNetSocket } from "./from-net-socket.ts";
export type { HttpAgentOptions, HttpsAgentOptions } from "./http-agent.ts";
export { httpAgent, httpsAgent } from "./http-agent.ts";
export type { FromServerOptions, NetServerOptions } from "./net-server.ts";
export { fromServer, toNetServer } from "./net-server.ts";
export type { StreamDuplex } from "./stream-duplex.ts";
export { toDuplex } from "./stream-duplex.ts";
export type { StreamDuplexOptions } from "./stream-duplex-options.ts";
export { toDgram } from "./to-dgram.ts";
export type { NetSocketOptions } from "./to-net-socket.ts";
export { toNetSocket } from "./to-net-socket.ts";
export type { Connector, ConnectorOptions, ConnectorRequest, FetchDispatcher } from "./undici.ts";
export { connector, fetchDispatcher } from "./undici.ts";
