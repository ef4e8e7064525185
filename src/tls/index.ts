/** `socketry/tls`: Node's TLS over this library's streams. */

export type { TlsClientOptions } from "./client-context.ts";
export type { CertificateName, PeerCertificate } from "./peer-certificate.ts";
export type { TlsServerOptions } from "./server-context.ts";
export type { StartTlsClientOptions, StartTlsServerOptions } from "./start-tls.ts";
export { startTls } from "./start-tls.ts";
export type { TlsConnectOptions } from "./tls-connect.ts";
export { tlsConnect } from "./tls-connect.ts";
export type { TlsListenOptions } from "./tls-listen.ts";
export { tlsListen } from "./tls-listen.ts";
export type { HandshakeOptions, TlsListener } from "./tls-listener.ts";
export type { TlsStream } from "./tls-stream.ts";
