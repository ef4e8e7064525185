/** Who is at an address of this machine: whom connecting would reach, and who is in the way of listening. */
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { type Address, parseAddress } from "../index.ts";
import { type ListedSocket, listSockets, type SocketListing } from "../list/index.ts";
import { processText } from "./ls/words.ts";

const ANYWHERE = new Set(["0.0.0.0", "::", "*"]);

/** The servers of this machine, as they are when they are first asked for. */
export class Occupants {
	#listing: Promise<SocketListing> | undefined;

	/**
	 * Finds the sockets that take connections or datagrams at an address.
	 *
	 * @param hosts what its host stands for, as numbers: addresses of this machine; nothing for addresses without one
	 */
	async at(address: Address, hosts: readonly string[]): Promise<ListedSocket[]> {
		this.#listing ??= listSockets({ states: ["listening", "bound", "unconnected"] });
		const { sockets } = await this.#listing;
		return sockets.filter(({ local, file, namespace, state, kind }) => {
			if (local === undefined || namespace !== undefined) return false;
			const isServer = state === "listening" || /^(?:udp|.*-dgram)$/.test(kind);
			const hasFile = file !== "gone" && file !== "replaced";
			return isServer && hasFile && isAt(parseAddress(local), address, hosts);
		});
	}
}

function isAt(there: Address, wanted: Address, hosts: readonly string[]): boolean {
	if ("path" in wanted) return "path" in there && resolve(there.path) === resolve(wanted.path);
	if ("abstract" in wanted) {
		return "abstract" in there && there.abstract === wanted.abstract;
	}
	if (!("port" in wanted && "port" in there)) return false;
	if (there.transport !== wanted.transport || there.port !== wanted.port) return false;
	if ("cid" in there) return true;
	const isEverywhere = ANYWHERE.has(there.host) || hosts.some((host) => ANYWHERE.has(host));
	return isEverywhere || hosts.includes(there.host);
}

/** Says who it is: `node[123]`, or that it cannot be seen. */
export function occupantText({ holders, user, uid }: ListedSocket): string {
	if (holders.length > 0) return processText(holders);
	const whose = user ?? uid?.toString();
	return `a process${whose === undefined ? "" : ` of ${whose}`} that cannot be seen from here`;
}

/** Whether a numeric host is this machine. */
export function isHere(host: string): boolean {
	if (ANYWHERE.has(host) || /^(?:127\.|::1$)/.test(host)) return true;
	const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
	return own.some(({ address }) => address === host.replace(/%.*$/, ""));
}

/** Adds to an error of an address in use by whom it is; other errors are returned as they are. */
export async function explainInUse(error: unknown, address: Address): Promise<unknown> {
	const { code, address: host } = error as { readonly code?: unknown; readonly address?: string };
	if (code !== "EADDRINUSE") return error;
	const [occupant] = await new Occupants().at(address, host === undefined ? [] : [host]);
	if (occupant === undefined) return error;
	const text = `EADDRINUSE ${occupant.local}: ${occupantText(occupant)} has it; stop it, or take another address`;
	return Object.assign(new Error(text, { cause: error }), { code });
}
