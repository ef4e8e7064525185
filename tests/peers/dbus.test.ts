/** dbus-daemon: who we are, by the kernel's word, and descriptors through method calls; and a client library of others on our streams. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "@homebridge/dbus-native";
import { connect } from "socketry";
import { toDuplex } from "socketry/node";
import { NOBODY, needsRoot } from "../identity/callers.ts";
import { runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { marked, markOf } from "../support/marked-descriptors.ts";
import { lacking, lineLike, startPeer, stop } from "../support/programs.ts";
import { Bus, BusError } from "./dbus-bus.ts";

const skip = lacking("dbus-daemon");

const BUS = {
	destination: "org.freedesktop.DBus",
	path: "/org/freedesktop/DBus",
	interface: "org.freedesktop.DBus",
};

// Of a bus that everybody may use who is who he says.
function configuration(socket: string): string {
	return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
	<listen>unix:path=${socket}</listen>
	<auth>EXTERNAL</auth>
	<policy context="default">
		<allow user="*"/>
		<allow own="*"/>
		<allow send_destination="*" eavesdrop="true"/>
		<allow eavesdrop="true"/>
	</policy>
</busconfig>
`;
}

async function withBus(body: (socket: string) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		const socket = join(folder, "bus");
		writeFileSync(join(folder, "config"), configuration(socket));
		const daemon = startPeer("dbus-daemon", [
			`--config-file=${join(folder, "config")}`,
			"--nofork",
			"--print-address",
		]);
		await lineLike(daemon, /^unix:path=/);
		try {
			await body(socket);
		} finally {
			await stop(daemon);
		}
	});
}

test("dbus-daemon believes who we are, because the kernel says so", { skip }, async () => {
	await withBus(async (socket) => {
		const bus = await Bus.connect(socket);
		assert.match(bus.name, /^:1\.\d+$/);
		const { body } = await bus.call({ ...BUS, member: "ListNames" });
		assert.ok((body[0] as readonly string[]).includes(bus.name));
		for (const [member, expected] of [
			["GetConnectionUnixUser", process.getuid?.()],
			["GetConnectionUnixProcessID", process.pid],
		] as const) {
			const reply = await bus.call({ ...BUS, member, signature: "s", body: [bus.name] });
			assert.deepEqual(reply.body, [expected]);
		}
		await assert.rejects(
			bus.call({ ...BUS, member: "GetNameOwner", signature: "s", body: ["no.such.name"] }),
			(error) =>
				error instanceof BusError && error.name === "org.freedesktop.DBus.Error.NameHasNoOwner",
		);
		await bus.close();
	});
});

test("dbus-daemon does not believe that we are somebody else", { skip }, async () => {
	await withBus(async (socket) => {
		const other = (process.getuid?.() ?? 0) + 1;
		await assert.rejects(Bus.connect(socket, other), {
			name: "org.freedesktop.DBus.Error.AuthFailed",
			message: /^REJECTED EXTERNAL/,
		});
	});
});

test("another user is believed to be that user, and not to be root", {
	skip: skip || needsRoot,
}, async () => {
	await withBus(async (socket) => {
		chmodSync(join(socket, ".."), 0o755);
		const say = async (claim: number): Promise<string> => {
			const args = [socket, String(NOBODY), String(claim)];
			const { stdout, stderr } = await runChild(new URL("./dbus.child.js", import.meta.url), {
				args,
			});
			assert.equal(stderr, "");
			return stdout.trim();
		};
		assert.match(await say(NOBODY), /^:1\.\d+$/);
		assert.match(await say(0), /AuthFailed: REJECTED EXTERNAL/);
	});
});

test("descriptors pass through method calls of two clients, there and back", { skip }, async () => {
	await withBus(async (socket) => {
		const [server, client] = [await Bus.connect(socket), await Bus.connect(socket)];
		const [memory, answer] = [marked(), marked()];
		writeFileSync(`/proc/self/fd/${memory.fd}`, "what is in the file");
		server.onCall = ({ member, signature, body, descriptors }) => {
			assert.deepEqual([member, signature, body], ["Read", "hsh", [0, "and", 1]]);
			const marks = descriptors.map(markOf);
			const text = readFileSync(`/proc/self/fd/${descriptors[0]?.fd}`, "utf8");
			for (const each of descriptors) each.close();
			assert.deepEqual(marks, [markOf(memory), markOf(memory)]);
			return { signature: "sh", body: [text, 0], descriptors: [answer] };
		};
		const call = {
			destination: server.name,
			path: "/reader",
			interface: "org.example.Reader",
			member: "Read",
		};
		for (let round = 0; round < 20; round++) {
			const reply = await client.call({
				...call,
				signature: "hsh",
				body: [0, "and", 1],
				descriptors: [memory, memory],
			});
			assert.deepEqual(reply.body, ["what is in the file", 0]);
			assert.deepEqual(reply.descriptors.map(markOf), [markOf(answer)]);
			for (const each of reply.descriptors) each.close();
		}
		// Many at once: each call gets its own.
		server.onCall = ({ descriptors, body }) => {
			for (const each of descriptors) each.close();
			return { signature: "u", body: [descriptors.length * 1_000 + Number(body[0])] };
		};
		const replies = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				client.call({
					...call,
					signature: "u",
					body: [i],
					descriptors: Array(i % 4).fill(memory),
				}),
			),
		);
		assert.deepEqual(
			replies.map(({ body }) => body[0]),
			Array.from({ length: 50 }, (_, i) => (i % 4) * 1_000 + i),
		);
		server.onCall = () => {
			throw new Error("not today");
		};
		await assert.rejects(client.call(call), /not today/);
		memory.close();
		answer.close();
		await Promise.all([server.close(), client.close()]);
	});
});

test("@homebridge/dbus-native runs on our streams", { skip }, async () => {
	await withBus(async (socket) => {
		const duplex = toDuplex(await connect(`unix:${socket}`));
		const client = createClient({ stream: duplex });
		const names = await new Promise<string[]>((resolve, reject) => {
			client.listNames((error, list) => (error ? reject(error) : resolve(list)));
		});
		assert.ok(names.includes(client.name));
		const service = {
			name: "org.example.Texts",
			methods: { Join: ["ss", "s", [], []] },
			signals: {},
			properties: {},
		};
		client.exportInterface({ Join: (a: string, b: string) => `${a} ${b}` }, "/texts", service);
		const bus = await Bus.connect(socket);
		// Larger than the buffers on the way.
		const long = "x".repeat(500_000);
		const { body } = await bus.call({
			destination: client.name,
			path: "/texts",
			interface: "org.example.Texts",
			member: "Join",
			signature: "ss",
			body: ["a", long],
		});
		assert.deepEqual(body, [`a ${long}`]);
		await bus.close();
		client.connection.end();
		await once(duplex, "close");
	});
});
