/** Options that an object inherits, as those of a class, count on every way: who asks for an owner is not connected to another's server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { test } from "node:test";
import { connect, datagrams, listen, type PeerCredentials, whenReachable } from "socketry";
import { type Connector, connectDuplex, connector } from "socketry/node";
import { type TlsListenOptions, tlsConnect, tlsListen } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { assertRefuses } from "../support/refusals.ts";

const NOBODY_HERE = 54_321;
const REQUEST = { protocol: "http:", hostname: "localhost" };
const REFUSED = { code: "ERR_PEER_NOT_ALLOWED" };

function asked(connect: Connector): Promise<unknown> {
	return new Promise((resolve, reject) => {
		connect(REQUEST, (error, socket) => (error === null ? resolve(socket) : reject(error)));
	});
}

test("an inherited option with a wrong value is refused as an own one", async () => {
	const wrong = { code: "ERR_INVALID_ARG_TYPE" };
	const options = Object.create({ noDelay: "yes", broadcast: "yes" }) as { noDelay: boolean };
	await assertRefuses(() => listen("tcp://127.0.0.1:0", options), wrong);
	await assertRefuses(() => connect("tcp://127.0.0.1:1", options), wrong);
	await assertRefuses(() => datagrams("udp://*:0", options as object), wrong);
});

test("an owner that an object inherits is asked for by everything that connects", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/s`);
		const { address } = listener;
		const options = Object.create({ owner: NOBODY_HERE }) as { readonly owner: number };
		const retrying = Object.create({ owner: NOBODY_HERE, retry: {} }) as typeof options;
		await assertRefuses(() => connect(address, options), REFUSED);
		await assertRefuses(() => connect(address, retrying), REFUSED);
		await assertRefuses(() => whenReachable(address, options), REFUSED);
		await assertRefuses(() => once(connectDuplex(address, options), "ready"), REFUSED);
		await assertRefuses(() => asked(connector(address, options)), REFUSED);
		const named = Object.create({ owner: NOBODY_HERE, servername: "localhost" }) as typeof options;
		await assertRefuses(() => tlsConnect(address, named), REFUSED);
		listener.close();
	});
});

test("the mode and the policy that an object inherits are in force with TLS, too", async () => {
	await inFolder(async (folder) => {
		const tls = new Authority().issue({ dns: ["localhost"] });
		const asked: number[] = [];
		const allow = ({ pid }: PeerCredentials): boolean => asked.push(pid) < 0;
		const options = Object.create({ tls, mode: 0o600, allow }) as TlsListenOptions;
		const listener = await tlsListen(`unix:${folder}/s`, options);
		assert.equal(statSync(`${folder}/s`).mode & 0o777, 0o600);
		const accepting = assert.rejects(listener.accept(), { code: "ERR_CLOSED" });
		const client = await connect(listener.address);
		assert.equal(await client.read(), null);
		assert.deepEqual(asked, [process.pid]);
		await client.close();
		listener.close();
		await accepting;
	});
});
