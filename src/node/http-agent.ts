/** Agents for Node's HTTP clients whose connections all go to one address, whatever the host of a request. */

import type { Agent, AgentOptions } from "node:http";
import type { Agent as SecureAgent, AgentOptions as SecureAgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import { requireObject, requireOptions } from "../arguments.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import { connectSecured } from "./connect-socket.ts";
import {
	CONNECT_DUPLEX,
	type ConnectDuplexOptions,
	createConnectionTo,
} from "./connecting-duplex.ts";

/** Options of `httpAgent`: those of Node's agent, which keeps connections alive unless told otherwise. */
export interface HttpAgentOptions extends AgentOptions {
	/** How to connect. */
	readonly connect?: ConnectDuplexOptions | undefined;
}

/** Options of `httpsAgent`: those of Node's agent, with its TLS options. */
export interface HttpsAgentOptions extends SecureAgentOptions {
	/** How to connect. */
	readonly connect?: ConnectDuplexOptions | undefined;
}

// What an agent calls for a connection: it is returned, or given to the callback.
interface Connecting {
	createConnection(
		options: object,
		callback: (error: Error | null, socket?: Duplex) => void,
	): Duplex | undefined;
}

/**
 * Makes an agent for `http.request`, whose connections go to one address: `http.get("http://docker/info", { agent })`. The host of the URL
 * is what the server reads in the header `Host`.
 *
 * @param address of a byte stream
 * @throws {InvalidAddressError} the address is malformed
 */
export function httpAgent(address: string | Address, options: HttpAgentOptions = {}): Agent {
	const { connect, own, target } = settingsOf(address, options);
	const http = process.getBuiltinModule("node:http");
	const agent = new http.Agent(own);
	return Object.assign(agent, { createConnection: createConnectionTo(target, connect) });
}

/**
 * As `httpAgent`, for `https.request`. TLS proves the host of the URL; its sessions are resumed as by every agent of Node's.
 *
 * @throws {InvalidAddressError} the address is malformed
 */
export function httpsAgent(
	address: string | Address,
	options: HttpsAgentOptions = {},
): SecureAgent {
	const { connect, own, target } = settingsOf(address, options);
	const https = process.getBuiltinModule("node:https");
	const agent = new https.Agent(own);
	const connecting = agent as unknown as Connecting;
	const { createConnection } = connecting;
	connecting.createConnection = (request, callback) => {
		connectSecured(target, connect, (socket) =>
			createConnection.call(agent, { ...request, socket }, callback),
		).then((secured) => callback(null, secured), callback);
		return undefined;
	};
	return agent;
}

function settingsOf(address: string | Address, options: HttpAgentOptions) {
	const { connect = {}, ...own } = requireObject("options", options) as HttpAgentOptions;
	requireOptions(connect, CONNECT_DUPLEX, "connect");
	return { connect, own: { keepAlive: true, ...own }, target: parseAddress(address) };
}
