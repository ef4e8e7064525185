import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type Address,
	type AddressOf,
	connect,
	type Datagrams,
	datagrams,
	type Listener,
	listen,
	lookup,
	type PacketStream,
	type PathAddress,
	parseAddress,
	type ServiceAddress,
	type Stream,
	type TcpAddress,
	type UdpAddress,
	type UnixAddress,
	type VsockAddress,
} from "socketry";
import { faultControl } from "socketry/fault";
import { tlsListen } from "socketry/tls";
import { type Equal, expectType } from "./equal.ts";

type AnyListener = Listener<Stream> | Listener<PacketStream>;

test("the port of a listener and of a datagram socket is there without a cast", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	await using socket = await datagrams("udp://127.0.0.1:0");
	const { port } = listener.address;
	const [client, server] = await Promise.all([
		connect(`tcp://127.0.0.1:${port}`),
		listener.accept(),
	]);
	assert.equal(client.peer.port, port);
	assert.equal(server.peer.port, client.address.port);
	await socket.send("x", socket.address);
	assert.equal((await socket.receive()).from.port, socket.address.port);
	await Promise.all([client.close(), server.close()]);
});

test("what was opened has the transport of its address", () => {
	const opened = async (text: string, address: Address, port: number): Promise<void> => {
		const tcp = await listen("tcp://127.0.0.1:0");
		expectType<Equal<typeof tcp, Listener<Stream<"tcp">>>>();
		expectType<Equal<(typeof tcp)["address"], TcpAddress>>();
		const ofObject = await listen({ transport: "tcp", host: "::1", port: 0 });
		expectType<Equal<typeof ofObject, Listener<Stream<"tcp">>>>();
		const ofTemplate = await connect(`tcp://127.0.0.1:${port}`);
		expectType<Equal<typeof ofTemplate, Stream<"tcp">>>();
		const ofAddress = await connect(tcp.address);
		expectType<Equal<typeof ofAddress, Stream<"tcp">>>();
		const accepted = await tcp.accept();
		expectType<Equal<(typeof accepted)["peer"], TcpAddress>>();

		const unix = await connect(`unix:${text}`);
		expectType<Equal<(typeof unix)["peer"], UnixAddress<"unix">>>();
		const path = await listen({ transport: "unix", path: text });
		expectType<Equal<typeof path, Listener<Stream<"unix">>>>();
		const packets = await listen("unix-seqpacket:@name");
		expectType<Equal<typeof packets, Listener<PacketStream<"unix-seqpacket">>>>();
		const guest = await connect("vsock-seqpacket://3:1024");
		expectType<Equal<(typeof guest)["address"], VsockAddress<"vsock-seqpacket">>>();
		const service = await connect("tcp+srv://_pg._tcp.example.org");
		expectType<Equal<typeof service, Stream<"tcp">>>();
		const either = await connect(port > 0 ? "tcp://127.0.0.1:1" : "unix:a");
		expectType<Equal<typeof either, Stream<"tcp" | "unix">>>();

		for (const any of [await listen(text), await listen(address), await listen("systemd:web")]) {
			expectType<Equal<typeof any, AnyListener>>();
			// @ts-expect-error: its transport is not known.
			void any.address.port;
		}
		const again = await connect((await listen(text)).address);
		expectType<Equal<typeof again, Stream | PacketStream>>();
		const connection = await connect(text);
		if (connection.kind === "stream") expectType<Equal<typeof connection, Stream>>();
		else expectType<Equal<typeof connection, PacketStream>>();
		expectType<Equal<(typeof tcp)["transport"], "tcp">>();
		// @ts-expect-error: TCP has no paths.
		await listen({ transport: "tcp", path: text, port: 0 });
		// @ts-expect-error: there is no such option.
		await listen("tcp://127.0.0.1:0", { backLog: 1 });
		const secure = await tlsListen("tcp://127.0.0.1:0", { tls: {} });
		expectType<Equal<(typeof secure)["address"], TcpAddress>>();
		const control = await faultControl("tcp://127.0.0.1:0");
		expectType<Equal<(typeof control)["address"], TcpAddress>>();
	};
	assert.equal(typeof opened, "function");
});

test("a datagram socket has the transport of its address, or of its peer, or UDP", () => {
	const opened = async (text: string): Promise<void> => {
		const udp = await datagrams("udp://*:0");
		expectType<Equal<typeof udp, Datagrams<"udp">>>();
		expectType<Equal<Awaited<ReturnType<typeof udp.receive>>["from"], UdpAddress>>();
		const unbound = await datagrams();
		expectType<Equal<typeof unbound, Datagrams<"udp">>>();
		const broadcasting = await datagrams(undefined, { broadcast: true });
		expectType<Equal<typeof broadcasting, Datagrams<"udp">>>();
		const connected = await datagrams(undefined, { connect: "unix-dgram:/run/log" });
		expectType<Equal<typeof connected, Datagrams<"unix-dgram">>>();
		const any = await datagrams(text, { connect: text });
		expectType<Equal<typeof any, Datagrams>>();
		// @ts-expect-error: its transport is not known.
		void any.address.port;
	};
	assert.equal(typeof opened, "function");
});

test("what is known of one transport goes for what is known of any, and not the other way round", () => {
	const take = (tcp: Listener<Stream<"tcp">>, stream: Stream<"tcp">, udp: Datagrams<"udp">) => {
		const listener: Listener<Stream> = tcp;
		const any: AnyListener = tcp;
		const streams: Stream = stream;
		const sockets: Datagrams = udp;
		// @ts-expect-error: it may be one of Unix.
		const wrong: Stream<"tcp"> = streams;
		return [listener, any, streams, sockets, wrong];
	};
	assert.equal(typeof take, "function");
});

test("the transport of an address tells its fields", () => {
	const read = async (address: Address, text: string): Promise<unknown> => {
		if (address.transport === "tcp") {
			expectType<Equal<typeof address, TcpAddress>>();
			return (await connect(address)).peer.port;
		}
		if (address.transport === "unix") {
			expectType<Equal<typeof address, UnixAddress<"unix">>>();
			// @ts-expect-error: it may be an abstract name, or none.
			void address.path;
			if ("path" in address) expectType<Equal<typeof address, PathAddress<"unix">>>();
		}
		expectType<Equal<AddressOf<"tcp" | "udp">, TcpAddress | UdpAddress>>();
		const service = parseAddress("tcp+srv://_pg._tcp.example.org");
		expectType<Equal<typeof service, ServiceAddress>>();
		const parsed = parseAddress(text);
		expectType<Equal<typeof parsed, Address>>();
		const found = await lookup("udp://example.org:53");
		expectType<Equal<typeof found, UdpAddress[]>>();
		const servers = await lookup("tcp+srv://_pg._tcp.example.org");
		expectType<Equal<typeof servers, TcpAddress[]>>();
		return [service, parsed];
	};
	assert.equal(typeof read, "function");
});
