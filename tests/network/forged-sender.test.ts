import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Child, runChild, startChild, startProgram } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork, type Network } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const SERVER = new URL("./answering.peer.js", import.meta.url);
const FORGER = new URL("./forging.peer.js", import.meta.url);
const ASKER = new URL("./asking.peer.js", import.meta.url);
const LISTENER = new URL("./listening.peer.js", import.meta.url);
const FIRST = "10.9.0.1";
const SECOND = "10.9.0.2";
/** Questions and answers of one run of the asker, to each server. */
const ROUNDS = 20;

interface Counts {
	/** Datagrams that the kernel of a host received for its sockets, and that they sent. */
	readonly received: number;
	readonly sent: number;
}

describe("with a host that forges the sender of its datagrams", { skip: lackingNetworks() }, () => {
	let network: Network;

	// Four hosts at a switch, which is the fifth; the forger's second address is hidden from the others.
	before(async () => {
		const hosts = ["first", "second", "forger", "asker"];
		const forger = "nsenter --net=/run/netns/forger";
		network = await makeNetwork(
			["switch", ...hosts],
			[
				"ip -n switch link add bridge type bridge",
				"ip -n switch link set bridge up",
				...hosts.flatMap((host, i) => [
					...cable("switch", host),
					`ip -n switch link set to-${host} master bridge`,
					`ip -n ${host} address add 10.9.0.${i + 1}/24 dev to-switch`,
				]),
				`ip -n forger address add ${FIRST}/32 dev lo`,
				// Else it would tell the others by ARP that the first host's address is here, when it is asked and when it asks.
				`${forger} sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore'`,
				`${forger} sh -c 'echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce'`,
			],
		);
	});

	after(() => network.close());

	async function serve(host: string, ...args: string[]): Promise<Child> {
		const server = startChild(SERVER, { under: network.under(host), args });
		assert.equal(await server.line(), "ready");
		return server;
	}

	async function run(script: URL, host: string, ...args: string[]): Promise<string> {
		const { code, stdout, stderr } = await runChild(script, { under: network.under(host), args });
		assert.equal(code, 0, stderr);
		return stdout.trim();
	}

	async function countsOf(host: string): Promise<Counts> {
		const { stdout } = await startProgram(["cat", "/proc/self/net/snmp"], {
			under: network.under(host),
		}).ended;
		const [names = [], values = []] = [...stdout.matchAll(/^Udp: (.*)$/gm)].map((match) =>
			(match[1] as string).split(" "),
		);
		const count = (name: string): number => Number(values[names.indexOf(name)]);
		return { received: count("InDatagrams"), sent: count("OutDatagrams") };
	}

	async function lastLine(server: Child): Promise<string> {
		return (await stop(server)).split("\n").at(-2) ?? "";
	}

	test("two servers that it sets on each other exchange nothing more", async () => {
		const first = await serve("first", FIRST, "7000", "1", "7000");
		const second = await serve("second", SECOND, "7000", "1", "7000");
		await run(FORGER, "forger", `${FIRST}:7000`, `${SECOND}:7000`, "100", "1");
		assert.equal(await run(ASKER, "asker", `${FIRST}:7000`, `${SECOND}:7000`), `${2 * ROUNDS}`);
		assert.deepEqual(await countsOf("first"), { received: ROUNDS, sent: ROUNDS });
		assert.deepEqual(await countsOf("second"), { received: ROUNDS + 1, sent: ROUNDS });
		assert.deepEqual(JSON.parse(await lastLine(first)), { received: 20, sent: 20, loops: 0 });
		assert.deepEqual(JSON.parse(await lastLine(second)), { received: 21, sent: 20, loops: 1 });
	});

	test("a server that knows the port of another lets its answer be the last datagram", async () => {
		const before = [await countsOf("first"), await countsOf("second")];
		const first = await serve("first", FIRST, "7001", "1", "7001,7002");
		const second = await serve("second", SECOND, "7002", "1", "7002");
		await run(FORGER, "forger", `${FIRST}:7001`, `${SECOND}:7002`, "100", "1");
		assert.equal(await run(ASKER, "asker", `${FIRST}:7001`, `${SECOND}:7002`), `${2 * ROUNDS}`);
		const after = [await countsOf("first"), await countsOf("second")];
		assert.deepEqual(
			after.map(({ received, sent }, i) => [
				received - (before[i]?.received ?? 0) - ROUNDS,
				sent - (before[i]?.sent ?? 0) - ROUNDS,
			]),
			[
				[1, 0],
				[1, 1],
			],
		);
		assert.deepEqual(JSON.parse(await lastLine(first)), { received: 21, sent: 20, loops: 1 });
		assert.deepEqual(JSON.parse(await lastLine(second)), { received: 21, sent: 21, loops: 0 });
	});

	test("two servers that do not know each other's ports fall silent after so many answers", async () => {
		const before = [await countsOf("first"), await countsOf("second")];
		const first = await serve("first", FIRST, "7004", "1", "7004", "200");
		const second = await serve("second", SECOND, "7005", "1", "7005", "200");
		await run(FORGER, "forger", `${FIRST}:7004`, `${SECOND}:7005`, "100", "1");
		assert.equal(await second.line(), "silent");
		// Others get answers all the while.
		assert.equal(await run(ASKER, "asker", `${FIRST}:7004`, `${SECOND}:7005`), `${2 * ROUNDS}`);
		const after = [await countsOf("first"), await countsOf("second")];
		assert.deepEqual(
			after.map(({ received, sent }, i) => [
				received - (before[i]?.received ?? 0) - ROUNDS,
				sent - (before[i]?.sent ?? 0) - ROUNDS,
			]),
			[
				[200, 200],
				[201, 200],
			],
		);
		assert.deepEqual(JSON.parse(await lastLine(first)), { received: 220, sent: 220, loops: 0 });
		assert.deepEqual(JSON.parse(await lastLine(second)), { received: 221, sent: 220, loops: 0 });
	});

	test("they do so too when each answer brings forth three, from many beginnings", async () => {
		const first = await serve("first", FIRST, "7006", "3", "7006", "500");
		const second = await serve("second", SECOND, "7007", "3", "7007", "500");
		await run(FORGER, "forger", `${FIRST}:7006`, `${SECOND}:7007`, "100", "20");
		assert.deepEqual([await first.line(), await second.line()], ["silent", "silent"]);
		const counts = [await lastLine(first), await lastLine(second)].map((line) => JSON.parse(line));
		assert.deepEqual(
			counts.map(({ sent }) => sent),
			[500, 500],
		);
	});

	test("its victim gets three times the bytes that were forged, and no more", async () => {
		const forgedBytes = 50 * 7 + 1_200 * 3;
		const args = [`${FIRST}:9999`, `${forgedBytes * 3}`];
		const victim = startChild(LISTENER, { under: network.under("first"), args });
		assert.equal(await victim.line(), "ready");
		const server = await serve("second", SECOND, "7003", "10", "7003");
		await run(FORGER, "forger", `${FIRST}:9999`, `${SECOND}:7003`, "50", "7");
		await run(FORGER, "forger", `${FIRST}:9999`, `${SECOND}:7003`, "1200", "3");
		assert.equal(await victim.line(), `${forgedBytes * 3}`);
		assert.equal(JSON.parse(await lastLine(server)).sent, 30);
		assert.equal(await stop(victim), `ready\n${forgedBytes * 3}\n`);
	});
});
