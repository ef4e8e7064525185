/** What is known of an address on this machine: who is there, and what would come of connecting and listening. Nothing is connected to. */
import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { type Address, formatAddress, lookup } from "../../index.ts";
import { listSockets } from "../../list/index.ts";
import { fewAtOnce } from "../../open/few-at-once.ts";
import { addressOfServer, findServices } from "../../open/services.ts";
import type { HostAddress } from "../../socket/address.ts";
import type { ServiceRecord } from "../../socket/resolve.ts";
import { mannerOf } from "../address-argument.ts";
import { isHere, Occupants, occupantText } from "../occupants.ts";

/** One line: what it is about, and what there is to say. */
export type Fact = readonly [name: string, text: string];

const NAME_BYTES_MAX = 107;
const PRIVILEGED_PORTS = 1_024;
const DEAD = "nobody has it: connecting is refused, listening replaces it";
const ACCESS = "the own user and root, unless --allow says otherwise; it has no file";

/** Finds out about addresses. */
export class Facts {
	readonly #occupants = new Occupants();
	readonly #signal: AbortSignal;

	constructor(signal: AbortSignal) {
		this.#signal = signal;
	}

	/** All that can be found out about an address to connect to. */
	async of(address: Address): Promise<readonly Fact[]> {
		if ("host" in address) return await this.#ofHost(address);
		if ("service" in address) return await this.#ofService(address.service);
		if ("path" in address) return await this.#ofPath(address, address.path);
		if ("fd" in address) return [["there", await descriptorText(address.fd)]];
		if (!("abstract" in address)) return [];
		return [
			["now", await this.#presence(address, [])],
			["access", ACCESS],
		];
	}

	async #ofHost(address: HostAddress): Promise<Fact[]> {
		if (address.host === "*")
			return await this.#ofPlace("every address of this machine", address, ["*"]);
		try {
			const found = await this.#lookUp(address);
			const hosts = found.flatMap((each) => ("host" in each ? [each.host] : []));
			return await this.#ofPlace(found.map(formatAddress).join(", "), address, hosts);
		} catch (error) {
			return [["resolves", `not: ${(error as Error).message}`]];
		}
	}

	async #ofPlace(
		resolved: string,
		address: HostAddress,
		hosts: readonly string[],
	): Promise<Fact[]> {
		const facts: Fact[] = [["resolves", resolved]];
		if (!hosts.some(isHere)) {
			return [
				...facts,
				["now", "on another machine, where only others can listen: see socketry ping"],
			];
		}
		facts.push(["now", await this.#presence(address, hosts)]);
		const first = firstFreePort();
		if (address.port > 0 && address.port < first && process.geteuid?.() !== 0) {
			facts.push(["needs", `to listen: root, or CAP_NET_BIND_SERVICE, below port ${first}`]);
		}
		return facts;
	}

	async #ofService(name: string): Promise<Fact[]> {
		let servers: ServiceRecord[];
		try {
			servers = (await findServices(name, { signal: this.#signal })).flat();
		} catch (error) {
			return [["resolves", `not: ${(error as Error).message}`]];
		}
		const found = await fewAtOnce(servers, async (server): Promise<Fact> => {
			const { name: host, port, priority, weight } = server;
			const what = `${host}:${port}, priority ${priority}, weight ${weight}`;
			return ["server", `${what}: ${await this.#addressesOf(server)}`];
		});
		return found.flatMap((fact) => (fact.status === "fulfilled" ? [fact.value] : []));
	}

	async #addressesOf(server: ServiceRecord): Promise<string> {
		try {
			const found = await this.#lookUp(addressOfServer(server));
			return found.map(formatAddress).join(", ");
		} catch (error) {
			return `not: ${(error as Error).message}`;
		}
	}

	async #lookUp(address: Address): Promise<Address[]> {
		return await lookup(address, { signal: this.#signal });
	}

	async #ofPath(address: Address, path: string): Promise<Fact[]> {
		const bytes = Buffer.byteLength(path);
		const isLong = bytes > NAME_BYTES_MAX;
		const length = `${bytes} ${bytes === 1 ? "byte" : "bytes"}; ${isLong ? "longer than a name can be (107), so reached by its directory" : "names have up to 107"}`;
		return [...(await this.#ofFile(address, path)), ["path", length]];
	}

	async #ofFile(address: Address, path: string): Promise<Fact[]> {
		try {
			const stats = lstatSync(path);
			const mode = (stats.mode & 0o777).toString(8);
			if (!stats.isSocket())
				return [["there", "something that is no socket, which is never touched"]];
			return [
				["there", `a socket file of user ${stats.uid}, mode ${mode}`],
				["now", await this.#presence(address, [])],
			];
		} catch (error) {
			const { code } = error as { code?: string };
			if (code !== "ENOENT") return [["there", `not to be seen: ${code}`]];
			const hasFolder = existsSync(dirname(path));
			return [
				["there", hasFolder ? "nothing: listening makes it" : "nothing: its directory is missing"],
			];
		}
	}

	// Who is there now, and what comes of it.
	async #presence(address: Address, hosts: readonly string[]): Promise<string> {
		const [occupant] = await this.#occupants.at(address, hosts);
		if (occupant === undefined) return absence(address);
		const who = `${occupantText(occupant)} has ${occupant.local}`;
		if (occupant.kind === address.transport)
			return `${who}, and is reached; nobody else can listen`;
		return `${who}: it is ${occupant.kind}, so this leads nowhere`;
	}
}

function absence(address: Address): string {
	if ("path" in address) return DEAD;
	return mannerOf(address) === "datagrams"
		? "nobody receives there: what is sent is refused, or lost"
		: "nobody listens there: connecting is refused";
}

// ip(7), ip_unprivileged_port_start
function firstFreePort(): number {
	try {
		return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
	} catch {
		return PRIVILEGED_PORTS;
	}
}

async function descriptorText(fd: number): Promise<string> {
	let link: string;
	try {
		link = readlinkSync(`/proc/self/fd/${fd}`);
	} catch {
		return "nothing: this program was not started with such a descriptor";
	}
	const [, inode] = /^socket:\[(\d+)\]$/.exec(link) ?? [];
	if (inode === undefined) return `no socket, but ${link}`;
	const { sockets } = await listSockets({ pids: [process.pid] });
	const found = sockets.find((socket) => String(socket.inode) === inode);
	if (found === undefined) return "a socket";
	const { kind, state, local, peer } = found;
	const ends = [local, peer?.address].filter((end) => end !== undefined);
	return [`a socket: ${kind}`, state, ...ends].join(", ");
}
