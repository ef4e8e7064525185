import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import { injectFaults } from "socketry/testing";
import {
	IP_MTU_DISCOVER,
	IP_PMTUDISC_DO,
	IP_PMTUDISC_DONT,
	IP_PMTUDISC_PROBE,
	IPPROTO_IP,
} from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";

const { sendmmsg, sendto, sendmsg, setsockopt } = sys;
afterEach(() => {
	Object.assign(sys, { sendmmsg, sendto, sendmsg, setsockopt });
});

const value = new Uint8Array(4);

function modeOf(fd: number): number | undefined {
	sys.getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, value);
	return value[0];
}

/** Notes in which mode the socket is at each call that sends, and how many messages the call takes. */
function watchModes(): [mode: number | undefined, rows: number][] {
	const calls: [number | undefined, number][] = [];
	sys.sendto = (fd, ...rest) => {
		calls.push([modeOf(fd), 1]);
		return sendto(fd, ...rest);
	};
	sys.sendmsg = (fd, ...rest) => {
		calls.push([modeOf(fd), 1]);
		return sendmsg(fd, ...rest);
	};
	sys.sendmmsg = (fd, table, first, count, ...rest) => {
		calls.push([modeOf(fd), count]);
		return sendmmsg(fd, table, first, count, ...rest);
	};
	return calls;
}

async function text(socket: Datagrams): Promise<string> {
	return Buffer.from((await socket.receive(PATIENT)).data).toString();
}

for (const local of ["udp://127.0.0.1:0", "udp://*:0"]) {
	test(`the option is set for the datagrams that ask for it, in their order (from ${local})`, async (t) => {
		// All of them are sent in one turn.
		t.mock.method(Date, "now", () => 0);
		const server = await datagrams("udp://127.0.0.1:0");
		const client = await datagrams(local, { mtuDiscovery: "dont" });
		const to = server.address;
		const whole = { dontFragment: true };
		const both = { dontFragment: true, hopLimit: 9 };
		const calls = watchModes();
		const options = [whole, undefined, undefined, whole, both, undefined, whole, whole, whole];
		for (const [i, each] of options.entries()) await client.send(`datagram ${i}`, to, each);
		await client.flush();
		assert.equal(client.trySend("datagram 9", to, whole), true);
		await client.sendBatch(Buffer.from("datagram ten"), 12, to, whole);
		assert.deepEqual(calls, [
			[IP_PMTUDISC_DO, 1],
			[IP_PMTUDISC_DONT, 1],
			[IP_PMTUDISC_DO, 1],
			[IP_PMTUDISC_DO, 1],
			[IP_PMTUDISC_DONT, 1],
			[IP_PMTUDISC_DO, 1],
			[IP_PMTUDISC_DO, 1],
			[IP_PMTUDISC_DO, 1],
		]);
		assert.equal(modeOf(client.socket.fd), IP_PMTUDISC_DONT);
		for (let i = 0; i < 10; i++) assert.equal(await text(server), `datagram ${i}`);
		assert.equal(await text(server), "datagram ten");
		assert.equal(client.sentCount, 11);
		await Promise.all([server.close(), client.close()]);
	});
}

test("a socket that forbids fragments anyway is left as it is", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams(undefined, { connect: server.address, mtuDiscovery: "probe" });
	let sets = 0;
	sys.setsockopt = (...call) => {
		sets++;
		return setsockopt(...call);
	};
	await client.send("x", undefined, { dontFragment: true });
	assert.equal(await text(server), "x");
	assert.equal(sets, 0);
	assert.equal(modeOf(client.socket.fd), IP_PMTUDISC_PROBE);
	await Promise.all([server.close(), client.close()]);
});

test("over IPv6 it is said along with the datagram, and no option is set", async () => {
	const server = await datagrams("udp://[::1]:0");
	const client = await datagrams("udp://[::1]:0");
	let sets = 0;
	sys.setsockopt = (...call) => {
		sets++;
		return setsockopt(...call);
	};
	const everything = { dontFragment: true, hopLimit: 3, dscp: 1, source: "::1", interfaceIndex: 1 };
	for (const options of [{ dontFragment: true }, everything, { dontFragment: false }]) {
		await client.send("x", server.address, options);
		assert.equal(await text(server), "x");
	}
	assert.equal(sets, 0);
	await Promise.all([server.close(), client.close()]);
});

test("it never leaves when the option cannot be set", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	for (const call of ["getsockopt", "setsockopt"] as const) {
		using faults = injectFaults([{ call, fail: "EPERM" }]);
		assert.throws(() => socket.trySend("x", socket.address, { dontFragment: true }), {
			code: "EPERM",
		});
		assert.equal(faults.hits, 1);
	}
	assert.equal(socket.sentCount, 0);
	await socket.close();
});

test("only UDP can say it, and only yes or no", async () => {
	const unix = await datagrams(`unix-dgram:${abstractName()}`);
	await assert.rejects(unix.send("x", unix.address, { dontFragment: true }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	const udp = await datagrams("udp://127.0.0.1:0");
	await assert.rejects(udp.send("x", udp.address, { dontFragment: 1 as never }), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	await Promise.all([unix.close(), udp.close()]);
});
