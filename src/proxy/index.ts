/** `socketry/proxy`: behind proxies, and through them. */

export { connectThrough } from "./connect-through.ts";
export type { ProxiedConnection, ProxiedOptions } from "./proxied.ts";
export { proxied } from "./proxied.ts";
export type { ProxyAddress, ProxyCredentials } from "./proxy-address.ts";
export { parseProxy } from "./proxy-address.ts";
export type { ProxyExtension, ProxyHeader, ProxyHeaderInit } from "./proxy-header.ts";
export { encodeProxyHeader, readProxyHeader } from "./read-header.ts";
