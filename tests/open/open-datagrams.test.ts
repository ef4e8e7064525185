import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, datagrams, type OpenDatagramsOptions } from "socketry";

type Open = (options?: OpenDatagramsOptions) => Promise<Datagrams>;

/** The name as the own address, and as that of the peer. */
const PLACES: Readonly<Record<string, (host: string) => Open>> = {
	"an own address": (host) => (options) => datagrams(`udp://${host}:0`, options),
	"a peer": (host) => (options) => datagrams(undefined, { ...options, connect: `udp://${host}:9` }),
	"a peer of a bound socket": (host) => (options) =>
		datagrams("udp://*:0", { ...options, connect: `udp://${host}:9` }),
};

for (const [place, open] of Object.entries(PLACES)) {
	test(`a name without an address is no place for ${place}`, async () => {
		// Without any name server the answer is another one.
		await assert.rejects(
			open("no-such-name.invalid")(),
			({ name, code, syscall, address }: Record<string, unknown>) =>
				name === "SyscallError" &&
				(code === "ENOTFOUND" || code === "EAI_AGAIN") &&
				syscall === "getaddrinfo" &&
				address === "no-such-name.invalid",
		);
		await assert.rejects(open("none.test")({ resolver: async () => [] }), {
			code: "ENOTFOUND",
			message: /none\.test: no such name/,
		});
	});

	test(`a resolver decides for ${place}, and what it must not say is refused`, async () => {
		const socket = await open("some.test")({ resolver: async () => ["127.0.0.1", "::1"] });
		const { address, peer } = socket;
		assert.ok(
			[address, peer].some((each) => each && "host" in each && /127\.0\.0\.1$/.test(each.host)),
		);
		await socket.close();
		const reason = new Error("out of order");
		await assert.rejects(
			open("some.test")({ resolver: () => Promise.reject(reason) }),
			(error: unknown) => error === reason,
		);
		const wrong: [answer: unknown, code: string][] = [
			["127.0.0.1", "ERR_INVALID_ARG_TYPE"],
			[undefined, "ERR_INVALID_ARG_TYPE"],
			[[5], "ERR_INVALID_ARG_TYPE"],
			[["another.test"], "ERR_INVALID_ADDRESS"],
			[["*"], "ERR_INVALID_ADDRESS"],
		];
		for (const [answer, code] of wrong) {
			await assert.rejects(open("some.test")({ resolver: async () => answer as never }), { code });
		}
	});

	test(`looking up the name of ${place} ends with the signal`, async () => {
		const aborting = new AbortController();
		const opening = open("slow.test")({
			resolver: () => new Promise(() => {}),
			signal: aborting.signal,
		});
		aborting.abort();
		await assert.rejects(opening, { name: "AbortError" });
	});
}

test("a name that leads to another family than the own address is no peer", async () => {
	await assert.rejects(
		datagrams("udp://127.0.0.1:0", {
			connect: "udp://six.test:9",
			resolver: async () => ["::1"],
		}),
		{ code: "ERR_INVALID_ADDRESS" },
	);
});

test("no name is looked up by a send", async () => {
	let lookups = 0;
	const socket = await datagrams("udp://127.0.0.1:0", {
		resolver: async () => {
			lookups++;
			return ["127.0.0.1"];
		},
	});
	await assert.rejects(socket.send("x", "udp://localhost:9"), { code: "ERR_INVALID_ADDRESS" });
	await assert.rejects(socket.sendBatch(Buffer.alloc(2), 1, "udp://localhost:9"), {
		code: "ERR_INVALID_ADDRESS",
	});
	assert.equal(lookups, 0);
	await socket.close();
});
