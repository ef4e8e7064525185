import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Address, connect, datagrams, listen, sameAddress } from "socketry";
import { type SocketAddress, socket } from "socketry/socket";
import { inFolder } from "../support/folder.ts";
import { assertRefuses, type Refusal } from "../support/refusals.ts";

/** Everything that takes an address of each kind; none may come as far as a system call that could do harm. */
const STREAMS = ["tcp", "unix", "unix-seqpacket", "vsock"];

function openersOf(
	transport: string,
): readonly ((address: string | Address) => Promise<unknown>)[] {
	return STREAMS.includes(transport)
		? [
				(address) => connect(address),
				(address) => listen(address),
				(address) => connect("tcp://127.0.0.1:1", { localAddress: address }),
			]
		: [(address) => datagrams(address), (address) => datagrams(undefined, { connect: address })];
}

async function refusedEverywhere(address: string | Address, refusal: Refusal): Promise<void> {
	const transport =
		typeof address === "string" ? address.slice(0, address.indexOf(":")) : address.transport;
	for (const open of openersOf(transport)) {
		await assertRefuses(() => open(address), refusal, JSON.stringify(address));
	}
	const sender = await datagrams("udp://127.0.0.1:0");
	await assertRefuses(() => sender.send("text", address), refusal);
	await assertRefuses(() => sender.trySend("text", address), refusal);
	await assertRefuses(() => sender.sendBatch(new Uint8Array(1), 1, address), refusal);
	assert.equal(sender.sentCount, 0);
	await sender.close();
	await assertRefuses(() => sameAddress(address, "tcp://127.0.0.1:1"), refusal);
}

const code = "ERR_INVALID_ADDRESS";

for (const transport of ["unix", "unix-seqpacket", "unix-dgram"] as const) {
	test(`paths and names of ${transport} that do not fit are refused, and never cut`, async () => {
		for (const length of [4_096, 4_097, 100_000]) {
			const name = "p".repeat(length);
			const path = {
				code,
				message: new RegExp(
					`has ${length} bytes, but Linux takes paths of 4095.*(shorter|relative|abstract)`,
				),
			};
			await refusedEverywhere(`${transport}:${name}`, path);
			await refusedEverywhere({ transport, path: name } as Address, path);
		}
		for (const length of [108, 109, 300, 100_000]) {
			const name = "p".repeat(length);
			const abstract = { code, message: new RegExp(`the name has ${length} bytes`) };
			await refusedEverywhere(`${transport}:@${name}`, abstract);
			await refusedEverywhere({ transport, abstract: name } as Address, abstract);
		}
		// Bytes count, not characters: 2048 of these are 4096 bytes.
		await refusedEverywhere({ transport, path: "\u00fc".repeat(2_048) } as Address, {
			code,
			message: /4096 bytes/,
		});
	});

	test(`empty names, NULs and lone surrogates of ${transport} are refused`, async () => {
		await refusedEverywhere(`${transport}:`, { code, message: /the path is empty; give the path/ });
		await refusedEverywhere({ transport, path: "" } as Address, { code, message: /empty/ });
		await refusedEverywhere(`${transport}:@`, { code, message: /the abstract name is empty/ });
		await refusedEverywhere({ transport, abstract: "" } as Address, { code, message: /empty/ });
		for (const path of ["\0", "\0name", "/run/a\0.sock", "/run/a.sock\0"]) {
			const message = /the path has a NUL at byte \d+; remove it, or use an abstract name/;
			await refusedEverywhere(`${transport}:${path}`, { code, message });
			await refusedEverywhere({ transport, path } as Address, { code, message });
		}
		await refusedEverywhere({ transport, path: "\ud800" } as Address, {
			code,
			message: /lone surrogate/,
		});
		const bytes = new Uint8Array([65, 0, 66]);
		await refusedEverywhere({ transport, path: "x", bytes } as Address, { code, message: /NUL/ });
	});

	test(`107 bytes are a path of ${transport}, and a name`, async () => {
		const open = (address: string) =>
			transport === "unix-dgram" ? datagrams(address) : listen(address);
		await inFolder(async (folder) => {
			const path = join(folder, "p".repeat(106 - Buffer.byteLength(folder)));
			assert.equal(Buffer.byteLength(path), 107);
			const opened = await open(`${transport}:${path}`);
			assert.ok(existsSync(path));
			assert.deepEqual(opened.address, { transport, path });
			await opened.close();
			assert.ok(!existsSync(path));
		});
		const abstract = `socketry-${process.pid}-`.padEnd(107, "n");
		const opened = await open(`${transport}:@${abstract}`);
		assert.deepEqual(opened.address, { transport, abstract });
		await opened.close();
	});
}

for (const transport of ["tcp", "udp"] as const) {
	test(`ports of ${transport} out of range are refused, as text and as numbers`, async () => {
		for (const port of [-1, 65_536, 1.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY]) {
			const address = { transport, host: "127.0.0.1", port };
			await refusedEverywhere(`${transport}://127.0.0.1:${port}`, {
				code,
				message: /the port must be a decimal number from 0 to 65535/,
			});
			await refusedEverywhere(address, {
				code: "ERR_OUT_OF_RANGE",
				message: /"port" must be an integer from 0 to 65535/,
			});
		}
		for (const port of ["080", "0x50", "8e1", " 80", "80 ", "+80", "http"]) {
			await refusedEverywhere(`${transport}://127.0.0.1:${port}`, { code, message: /the port/ });
		}
		await refusedEverywhere({ transport, host: "127.0.0.1", port: "80" as never } as Address, {
			code: "ERR_INVALID_ARG_TYPE",
			message: /"port" must be an integer from 0 to 65535, but is "80"/,
		});
	});

	test(`malformed hosts of ${transport} are refused`, async () => {
		const hosts: readonly [string, RegExp][] = [
			["", /the host is empty/],
			["127.1", /no IPv4 address/],
			["256.0.0.1", /no IPv4 address/],
			["0x7f.0.0.1", /no IPv4 address|a number/],
			["a b", /character that no host name has/],
			["a/b", /character that no host name has/],
			["a\0b", /character that no host name has/],
			["-a.b..c", /each part of a host name/],
			[`${"a.".repeat(126)}ab`, /254 bytes, but a name has at most 253/],
		];
		for (const [host, message] of hosts) {
			await refusedEverywhere(`${transport}://${host}:80`, { code, message });
			await refusedEverywhere({ transport, host, port: 80 } as Address, { code, message });
		}
		await refusedEverywhere(`${transport}://::1:80`, { code, message: /needs brackets/ });
		await refusedEverywhere(`${transport}://[::g]:80`, { code, message: /no IPv6 address/ });
		await refusedEverywhere(`${transport}://127.0.0.1`, { code, message: /the port is missing/ });
	});
}

test("text in no form is refused with what was meant, or the forms that there are", async () => {
	for (const text of ["", "8080", "localhost:80", "/run/a.sock", "http://a:80", "\u001b[31m"]) {
		const openers = [
			(address: string) => connect(address),
			(address: string) => listen(address),
			(address: string) => datagrams(address),
		];
		for (const open of openers) {
			const error = await assertRefuses(() => open(text), {
				code,
				message:
					/write (tcp:\/\/|unix:)|the forms are tcp:\/\/HOST:PORT, udp:\/\/HOST:PORT, unix:PATH/,
			});
			assert.ok(!error.message.includes("\u001b"), "the message could repaint a terminal");
		}
	}
});

test("addresses of the wrong sort say what to use instead", async () => {
	await assertRefuses(() => connect("udp://127.0.0.1:1"), { code, message: /use datagrams\(\)/ });
	await assertRefuses(() => listen("unix-dgram:/x"), { code, message: /use datagrams\(\)/ });
	await assertRefuses(() => datagrams("tcp://127.0.0.1:1"), { code, message: /write udp:\/\// });
	await assertRefuses(() => connect("tcp://127.0.0.1:1", { localAddress: "udp://127.0.0.1:0" }), {
		code,
		message: /localAddress must be of transport tcp/,
	});
	await assertRefuses(() => datagrams("udp://127.0.0.1:0", { connect: "unix-dgram:@nobody" }), {
		code,
		message: /transport unix-dgram/,
	});
});

test("a Socket refuses the same names and numbers before any system call", async (t) => {
	const inet = socket("inet", "stream");
	const unix = socket("unix", "dgram");
	t.after(() => {
		inet.close();
		unix.close();
	});
	const cases: readonly [SocketAddress, string, RegExp][] = [
		[{ family: "unix", path: "p".repeat(108) }, code, /108 bytes/],
		[{ family: "unix", path: "p".repeat(300) }, code, /300 bytes/],
		[{ family: "unix", abstract: "p".repeat(108) }, code, /108 bytes/],
		[{ family: "unix", path: "a\0b" }, code, /NUL at byte 1/],
		[{ family: "unix", path: "" }, code, /empty/],
		[{ family: "unix", abstract: "" }, code, /empty/],
		[{ family: "inet", host: "127.0.0.1", port: 65_536 }, "ERR_OUT_OF_RANGE", /"port" must be/],
		[{ family: "inet", host: "127.0.0.1", port: -1 }, "ERR_OUT_OF_RANGE", /"port" must be/],
		[{ family: "inet", host: "localhost", port: 1 }, code, /four decimals, as in 127\.0\.0\.1/],
		[{ family: "inet", host: "::1", port: 1 }, code, /four decimals/],
		[{ family: "inet6", host: "127.0.0.1", port: 1 }, code, /IPv6 text without brackets/],
		[{ family: "inet6", host: "fe80::1%lo", port: 1 }, code, /the zone goes into scope/],
		[{ family: "vsock", cid: -1, port: 1 }, "ERR_OUT_OF_RANGE", /"cid" must be/],
	];
	for (const [address, expected, message] of cases) {
		const refusal = { code: expected, message };
		for (const target of [inet, unix]) {
			await assertRefuses(() => target.bind(address), refusal);
			await assertRefuses(() => target.connect(address), refusal);
			await assertRefuses(() => target.tryConnect(address), refusal);
			await assertRefuses(() => target.connectSync(address), refusal);
			await assertRefuses(() => target.trySendto(new Uint8Array(1), address), refusal);
			await assertRefuses(() => target.sendto(new Uint8Array(1), address), refusal);
			await assertRefuses(() => target.sendmsg([], { to: address }), refusal);
		}
	}
	assert.deepEqual(unix.getsockname(), { family: "unix" });
});
