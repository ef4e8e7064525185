import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { Server as HttpServer } from "node:http";
import { Socket as NetSocket, Server } from "node:net";
import { describe, test } from "node:test";
import {
	adopt,
	cachedResolver,
	connect,
	datagrams,
	listen,
	lookup,
	Memfd,
	OwnedDescriptor,
	ReplyGuard,
	socketpair,
	whenReachable,
} from "socketry";
import { FaultPlan, faultControl, faultDatagrams, faultProxy, faultRelay } from "socketry/fault";
import { delimited, framed, lengthPrefixed, lines, netstrings } from "socketry/frame";
import { drain, takeOver } from "socketry/handover";
import { listSockets } from "socketry/list";
import {
	attachHttp,
	connectDuplex,
	connector,
	createConnectionTo,
	fetchDispatcher,
	fromNetSocket,
	fromServer,
	httpAgent,
	httpsAgent,
	toDgram,
	toDuplex,
	toNetSocket,
} from "socketry/node";
import { connectThrough, encodeProxyHeader, proxied, readProxyHeader } from "socketry/proxy";
import { relay } from "socketry/relay";
import { socketpair as rawPair } from "socketry/socket";
import { fromSystemd, notify, notifyBarrier, watchdog } from "socketry/systemd";
import {
	assertNoLeaks,
	checkByteStream,
	checkDatagrams,
	checkPacketChannel,
	memoryPackets,
	memoryStreams,
	openResources,
} from "socketry/testing";
import { startTls, tlsConnect, tlsListen } from "socketry/tls";

const TCP = "tcp://127.0.0.1:0";
const [left, right] = socketpair();
const [packets, others] = socketpair("seqpacket");
const [messages, more] = socketpair("dgram");
const [raw, rest] = rawPair("dgram");
const owned = OwnedDescriptor.fromFd(rest.detachFd());
const memfd = Memfd.create(1);
const udp = await datagrams("udp://127.0.0.1:0");
const listener = await listen(TCP);
const buffer = new Uint8Array(8);
const [memory] = memoryStreams();
const plan = new FaultPlan();

/** What takes options, by its name in api/*.txt; each is called with `given` in place of them. */
const CALLS: Readonly<Record<string, (given: never) => unknown>> = {
	adopt: (given) => adopt(owned, given),
	cachedResolver: (given) => cachedResolver(given),
	connect: (given) => connect("tcp://127.0.0.1:1", given),
	datagrams: (given) => datagrams("udp://127.0.0.1:0", given),
	listen: (given) => listen(TCP, given),
	lookup: (given) => lookup("tcp://127.0.0.1:1", given),
	socketpair: (given) => socketpair("stream", given),
	whenReachable: (given) => whenReachable("tcp://127.0.0.1:1", given),
	"ReplyGuard.constructor": (given) => new ReplyGuard(given),
	"Listener.accept": (given) => listener.accept(given),
	"Memfd.map": (given) => memfd.map(given),
	"Multicast.join": (given) => udp.multicast.join("224.0.0.251", given),
	"Multicast.leave": (given) => udp.multicast.leave("224.0.0.251", given),
	"Stream.close": (given) => left.close(given),
	"Stream.closeWrite": (given) => left.closeWrite(given),
	"Stream.flush": (given) => left.flush(given),
	"Stream.openPeerPidfd": (given) => left.openPeerPidfd(given),
	"Stream.read": (given) => left.read(given),
	"Stream.readExactly": (given) => left.readExactly(1, given),
	"Stream.readInto": (given) => left.readInto(buffer, given),
	"Stream.readUntil": (given) => left.readUntil("\n", given),
	"Stream.write": (given) => left.write("x", given),
	"PacketStream.close": (given) => packets.close(given),
	"PacketStream.closeWrite": (given) => packets.closeWrite(given),
	"PacketStream.openPeerPidfd": (given) => packets.openPeerPidfd(given),
	"PacketStream.receive": (given) => packets.receive(given),
	"PacketStream.receiveInto": (given) => packets.receiveInto(buffer, given),
	"PacketStream.receiveMessage": (given) => packets.receiveMessage(given),
	"PacketStream.send": (given) => packets.send("x", given),
	"PacketStream.trySend": (given) => packets.trySend("x", given),
	"Datagrams.close": (given) => messages.close(given),
	"Datagrams.flush": (given) => messages.flush(given),
	"Datagrams.receive": (given) => messages.receive(given),
	"Datagrams.receiveBatch": (given) => messages.receiveBatch(given),
	"Datagrams.send": (given) => messages.send("x", undefined, given),
	"Datagrams.sendBatch": (given) => messages.sendBatch(buffer, 8, undefined, given),
	"Datagrams.trySend": (given) => messages.trySend("x", undefined, given),
	"Socket.accept": (given) => raw.accept(given),
	"Socket.acceptSync": (given) => raw.acceptSync(given),
	"Socket.connect": (given) => raw.connect({ family: "unix", path: "x" }, given),
	"Socket.connectSync": (given) => raw.connectSync({ family: "unix", path: "x" }, given),
	"Socket.read": (given) => raw.read(buffer, given),
	"Socket.readSync": (given) => raw.readSync(buffer, given),
	"Socket.recv": (given) => raw.recv(buffer, given),
	"Socket.recvSync": (given) => raw.recvSync(buffer, given),
	"Socket.recvfrom": (given) => raw.recvfrom(buffer, given),
	"Socket.recvfromSync": (given) => raw.recvfromSync(buffer, given),
	"Socket.recvmsg": (given) => raw.recvmsg([buffer], given),
	"Socket.recvmsgSync": (given) => raw.recvmsgSync([buffer], given),
	"Socket.send": (given) => raw.send(buffer, given),
	"Socket.sendSync": (given) => raw.sendSync(buffer, given),
	"Socket.sendmsg": (given) => raw.sendmsg([buffer], given),
	"Socket.sendmsgSync": (given) => raw.sendmsgSync([buffer], given),
	"Socket.sendto": (given) => raw.sendto(buffer, { family: "unix", path: "x" }, given),
	"Socket.sendtoSync": (given) => raw.sendtoSync(buffer, { family: "unix", path: "x" }, given),
	"Socket.tryRecvmsg": (given) => raw.tryRecvmsg([buffer], given),
	"Socket.trySendmsg": (given) => raw.trySendmsg([buffer], given),
	"Socket.write": (given) => raw.write(buffer, given),
	"Socket.writeSync": (given) => raw.writeSync(buffer, given),
	"FaultPlan.constructor": (given) => new FaultPlan(given),
	faultControl: (given) => faultControl(TCP, given),
	faultDatagrams: (given) => faultDatagrams(messages, "udp://127.0.0.1:1", plan, given),
	faultProxy: (given) => faultProxy(TCP, "tcp://127.0.0.1:1", plan, given),
	faultRelay: (given) => faultRelay(left, right, plan, given),
	delimited: (given) => delimited("\n", given),
	lengthPrefixed: (given) => lengthPrefixed(given),
	lines: (given) => lines(given),
	netstrings: (given) => netstrings(given),
	"FramedStream.close": (given) => framed(left, lines()).close(given),
	"FramedStream.closeWrite": (given) => framed(left, lines()).closeWrite(given),
	"FramedStream.receive": (given) => framed(left, lines()).receive(given),
	"FramedStream.send": (given) => framed(left, lines()).send("x", given),
	drain: (given) => drain([], given),
	takeOver: (given) => takeOver("unix-seqpacket:@x", { sockets: {}, ...(given as object) }),
	listSockets: (given) => listSockets(given),
	attachHttp: (given) => attachHttp(new HttpServer(), listener, given),
	connectDuplex: (given) => connectDuplex("tcp://127.0.0.1:1", given),
	connector: (given) => connector("tcp://127.0.0.1:1", given),
	createConnectionTo: (given) => createConnectionTo("tcp://127.0.0.1:1", given),
	fetchDispatcher: (given) => fetchDispatcher("tcp://127.0.0.1:1", given),
	fromNetSocket: (given) => fromNetSocket(new NetSocket(), given),
	fromServer: (given) => fromServer(new Server(), given),
	httpAgent: (given) => httpAgent("tcp://127.0.0.1:1", { connect: given }),
	httpsAgent: (given) => httpsAgent("tcp://127.0.0.1:1", { connect: given }),
	toDgram: (given) => toDgram(udp, given),
	toDuplex: (given) => toDuplex(left, given),
	toNetSocket: (given) => toNetSocket(left, given),
	connectThrough: (given) => connectThrough("http://127.0.0.1:1", "tcp://a:1", given),
	encodeProxyHeader: (given) => encodeProxyHeader(given),
	proxied: (given) => proxied(listener, { trust: () => true, ...(given as object) }).next(),
	readProxyHeader: (given) => readProxyHeader(left, given),
	relay: (given) => relay(left, right, given),
	fromSystemd: (given) => fromSystemd(given),
	notify: (given) => notify({ ready: true }, given),
	notifyBarrier: (given) => notifyBarrier(given),
	watchdog: (given) => watchdog(given),
	assertNoLeaks: (given) => assertNoLeaks(openResources(), given),
	checkByteStream: (given) => checkByteStream(memoryStreams, given),
	checkDatagrams: (given) => checkDatagrams(() => socketpair("dgram"), given),
	checkPacketChannel: (given) => checkPacketChannel(memoryPackets, given),
	memoryPackets: (given) => memoryPackets(given),
	memoryStreams: (given) => memoryStreams(given),
	"MemoryStream.read": (given) => memory.read(given),
	"MemoryStream.write": (given) => memory.write("x", given),
	startTls: (given) => startTls(left, given),
	tlsConnect: (given) => tlsConnect("tcp://127.0.0.1:1", given),
	tlsListen: (given) => tlsListen(TCP, { tls: {}, ...(given as object) }),
};

/** What is not in the table, and why. */
const OTHERS: Readonly<Record<string, string>> = {
	activated: "its options are those of Node's spawn",
	binding: "its options are of the Sockets API",
	toNetServer: "its options are those of net.createServer",
	"Socket.startTls": "its options are of the Sockets API",
	"Handover.offer": "it needs a place in the line: tests/handover",
	"Handover.ready": "it needs a place in the line: tests/handover",
	socketMatches: "its filter is one that listSockets has checked",
	"TlsListener.renew": "its options are those of Node's secure contexts",
	"TlsListener.accept": "it needs a certificate, and checks as Listener.accept",
};

const refused = {
	code: "ERR_INVALID_ARG_VALUE",
	message: /^"(init\.|filter\.|connect\.)?wrongName" is no option of this call: /,
};

describe("an option that does not exist is refused", () => {
	for (const [name, call] of Object.entries(CALLS)) {
		test(`by ${name}`, async () => {
			await assert.rejects(async () => await call({ wrongName: 1 } as never), refused);
		});
	}
});

// Their test adds to the options, of which some are required.
const WITH_REQUIRED: ReadonlySet<string> = new Set(["takeOver", "proxied", "tlsListen"]);

test("options that are no object are refused as such", async () => {
	for (const [name, call] of Object.entries(CALLS)) {
		if (WITH_REQUIRED.has(name)) continue;
		for (const wrong of [null, 5, "text", () => 1]) {
			const calling = async (): Promise<unknown> => await call(wrong as never);
			await assert.rejects(calling, { code: "ERR_INVALID_ARG_TYPE" }, `${name}: ${String(wrong)}`);
		}
	}
});

test("options that are no object are refused with what they could be", async () => {
	const code = "ERR_INVALID_ARG_TYPE";
	await assert.rejects(connect("tcp://127.0.0.1:1", { retry: true as never }), {
		code,
		message: /^"retry" must be an object with any of attempts, delayMs, .*, but is true$/,
	});
	await assert.rejects(connect("tcp://127.0.0.1:1", 5_000 as never), {
		code,
		message: '"options" must be an object, as in { timeoutMs: 5000 }, but is 5000',
	});
	await assert.rejects(listen("unix:@x", { allow: { uid: 0 } as never }), {
		code,
		message: /^"allow" must be a function, such as users\(\) and groups\(\) make, but is/,
	});
});

test("what is missing is told by its name", async () => {
	const missing = undefined as never;
	const calls: Readonly<Record<string, () => unknown>> = {
		options: () => startTls(left, missing),
		source: () => readProxyHeader(missing),
		plan: () => faultProxy(TCP, "tcp://127.0.0.1:1", missing),
		connection: () => faultRelay(missing, right, plan),
	};
	for (const [argument, call] of Object.entries(calls)) {
		await assert.rejects(async () => await call(), {
			code: "ERR_INVALID_ARG_TYPE",
			message: new RegExp(`^"${argument}" must be `),
		});
	}
});

test("by the option that has it", async () => {
	const inside: Readonly<Record<string, object>> = {
		"keepAlive.idle": { keepAlive: { idle: 1 } },
		"retry.attempt": { retry: { attempt: 1 } },
	};
	for (const [name, options] of Object.entries(inside)) {
		const message = new RegExp(`^"${name}" is no option of this call: did you mean \\w+\\?$`);
		await assert.rejects(connect("tcp://127.0.0.1:1", options), { message });
	}
	await assert.rejects(datagrams("udp://127.0.0.1:0", { details: { ttl: true } as object }), {
		message:
			'"details.ttl" is no option of this call: there are destination, hopLimit, trafficClass, timestamp, missedCount',
	});
	await assert.rejects(notify({ redy: true } as object), {
		message: '"state.redy" is no option of this call: did you mean ready?',
	});
});

test("the error says what was meant, whatever its case", async () => {
	const meant: readonly (readonly [given: object, name: string, meant: string])[] = [
		[{ alow: () => true }, "alow", "allow"],
		[{ Owner: "root" }, "Owner", "owner"],
		[{ BACKLOG: 1 }, "BACKLOG", "backlog"],
		[{ reuseport: true }, "reuseport", "reusePort"],
	];
	for (const [given, name, option] of meant) {
		await assert.rejects(listen("unix:@never", given), {
			code: "ERR_INVALID_ARG_VALUE",
			message: `"${name}" is no option of this call: did you mean ${option}?`,
		});
	}
	await assert.rejects(connect("tcp://127.0.0.1:1", { timeoutMS: 5 } as object), {
		message: '"timeoutMS" is no option of this call: did you mean timeoutMs?',
	});
	await assert.rejects(left.read({ patience: 5 } as object), {
		message: '"patience" is no option of this call: there are signal, timeoutMs',
	});
	await assert.rejects(left.read({ maxBytes: 5 } as object), { code: "ERR_INVALID_ARG_VALUE" });
});

test("what goes along is refused where nothing can go along", async () => {
	const given = { descriptors: [0] } as object;
	for (const call of [left.flush(given), left.read(given), memory.write("x", given)]) {
		await assert.rejects(call, { message: /^"descriptors" is no option of this call/ });
	}
});

test("an option that is undefined counts as not given, and so does one that every object inherits", async () => {
	assert.equal(await right.write("x", { wrongName: undefined } as object), undefined);
	assert.deepEqual(
		await left.read({ timeoutMs: undefined, other: undefined } as object),
		Buffer.from("x"),
	);
	Object.defineProperty(Object.prototype, "inherited", {
		value: 1,
		enumerable: true,
		configurable: true,
	});
	try {
		await right.write("y", { timeoutMs: 1_000 });
		assert.deepEqual(await left.read({ timeoutMs: 1_000 }), Buffer.from("y"));
	} finally {
		Reflect.deleteProperty(Object.prototype, "inherited");
	}
});

test("every public call with options is tested here, or is said why not", () => {
	const root = new URL("../../../", import.meta.url);
	const missing: string[] = [];
	for (const page of readdirSync(new URL("api/", root))) {
		// Its standard has members that it does not know ignored.
		if (page === "winter.txt") continue;
		for (const line of readFileSync(new URL(`api/${page}`, root), "utf8").split("\n")) {
			const found =
				/^(?:function (\w+)|class (\w+): (?:static )?(\w+))(?:<.*?>)?\((.*)\)(?::|$)/.exec(line);
			if (!/\b(options|init|filter)\??: /.test(found?.[4] ?? "")) continue;
			const name = found?.[1] ?? `${found?.[2]}.${found?.[3]}`;
			if (/Error\.constructor$|\.over$/.test(name)) continue;
			const isCopy = /^(DuplexStream|TlsStream|MemoryStream|ScriptedStream|MemoryPackets)\./.test(
				name,
			);
			if (!isCopy && CALLS[name] === undefined && OTHERS[name] === undefined) missing.push(name);
		}
	}
	assert.deepEqual(missing, []);
});

test("and all of it is closed", async () => {
	listener.close();
	for (const each of [left, right, packets, others, messages, more, memory, udp]) each.abort();
	for (const each of [raw, owned, memfd]) each.close();
});
