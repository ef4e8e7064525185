/** Joins what the kernel lists with the processes that hold it, and each socket with its other end. */
import type { SocketAddress } from "../socket/sockaddr.ts";
import { addressText } from "./address-text.ts";
import { type BoundFile, BoundFiles } from "./bound-files.ts";
import { deviceNames } from "./devices.ts";
import type { KernelSocket } from "./kernel-socket.ts";
import type { ListedSocket, SocketPeer } from "./listed-socket.ts";
import type { ProcessScan, SocketHolder } from "./processes.ts";

interface Entry {
	readonly socket: KernelSocket;
	readonly namespace: number | undefined;
	readonly local: string | undefined;
	readonly file: BoundFile | undefined;
	readonly peer: string | undefined;
	readonly holders: readonly SocketHolder[];
}

const NOBODY: readonly SocketHolder[] = [];
/** Kinds whose sockets take from anybody without a connection. */
const TAKERS: ReadonlySet<string> = new Set(["udp", "udplite"]);

/** Gathers sockets, then joins them. */
export class Joiner {
	readonly #scan: ProcessScan;
	readonly #userName: (uid: number) => string | undefined;
	readonly #deviceName = deviceNames();
	readonly #files = new BoundFiles();
	readonly #entries: Entry[] = [];
	readonly #byInode = new Map<number, Entry>();
	/** Both ends of a connection within this machine have the same addresses, the other way round. */
	readonly #byAddresses = new Map<string, Entry>();
	/** Sockets without a peer that are bound, by their address; undefined where several are bound to the same. */
	readonly #byPlace = new Map<string, Entry | undefined>();
	/** The listener in whose backlog a client waits, by the client's inode. */
	readonly #listenerOf = new Map<number, Entry>();

	constructor(scan: ProcessScan, userName: (uid: number) => string | undefined) {
		this.#scan = scan;
		this.#userName = userName;
	}

	/** Adds the sockets of a namespace; undefined is our own. Those that are there already stay as they are. */
	add(sockets: readonly KernelSocket[], namespace?: number): void {
		for (const socket of sockets) {
			if (socket.inode > 0 && this.#byInode.has(socket.inode)) continue;
			const holders = this.#scan.holders.get(socket.inode) ?? NOBODY;
			const file = this.#files.find(socket, holders[0]?.pid);
			const place = file ? ({ family: "unix", path: file.path } as const) : socket.local;
			const entry: Entry = {
				socket,
				namespace,
				local: addressText(socket.kind, place),
				file,
				peer: addressText(socket.kind, socket.peer),
				holders,
			};
			this.#entries.push(entry);
			if (socket.inode > 0) this.#byInode.set(socket.inode, entry);
			if (entry.peer !== undefined)
				this.#byAddresses.set(keyOf(entry, entry.local, entry.peer), entry);
			else if (TAKERS.has(socket.kind)) this.#addPlace(entry);
			for (const inode of socket.waitingInodes ?? []) this.#listenerOf.set(inode, entry);
		}
	}

	/** Joins all of them. */
	join(): ListedSocket[] {
		return this.#entries.map((entry) => this.#listed(entry));
	}

	#listed(entry: Entry): ListedSocket {
		const { socket, namespace, local, file, holders } = entry;
		const { kind, state, inode, uid, tcp, subject, device } = socket;
		const peer = this.#peerOf(entry);
		const user = uid === undefined ? undefined : this.#userName(uid);
		return {
			kind,
			state,
			inode,
			...(local !== undefined && { local, ...exactName(socket.local) }),
			...(peer !== undefined && { peer }),
			holders,
			...(uid !== undefined && { uid }),
			...(user !== undefined && { user }),
			...queuesOf(socket),
			...(tcp && { tcp }),
			...(device !== undefined && namespace === undefined && { device: this.#deviceName(device) }),
			...(subject !== undefined && { subject }),
			// Connections that were accepted have the name of their listener.
			...(file !== undefined && state !== "established" && { file: file.state }),
			...(namespace !== undefined && { namespace }),
		};
	}

	#peerOf(entry: Entry): SocketPeer | undefined {
		const { socket, peer } = entry;
		const byInode = this.#unixPeer(socket);
		if (byInode !== undefined) return byInode;
		if (peer === undefined) return undefined;
		const other =
			this.#byAddresses.get(keyOf(entry, peer, entry.local ?? "")) ?? this.#taker(entry);
		// A socket connected to itself is its own peer.
		if (other === undefined) return { address: peer, holders: NOBODY };
		const { inode } = other.socket;
		return { address: peer, ...(inode > 0 && { inode }), holders: other.holders };
	}

	#addPlace(entry: Entry): void {
		const key = keyOf(entry, entry.local, "");
		this.#byPlace.set(key, this.#byPlace.has(key) ? undefined : entry);
	}

	/** Who gets what a connected UDP socket sends, when that is bound to its peer's address, or to every address of this machine. */
	#taker(entry: Entry): Entry | undefined {
		const { kind, peer } = entry.socket;
		if (!TAKERS.has(kind) || peer === undefined || !("port" in peer) || !("host" in peer)) {
			return undefined;
		}
		const exact = keyOf(entry, entry.peer, "");
		if (this.#byPlace.has(exact)) return this.#byPlace.get(exact);
		const isIpv4 = /^127\./.test(peer.host);
		if (!isIpv4 && peer.host !== "::1") return undefined;
		const everywhere = keyOf(entry, `${kind}://0.0.0.0:${peer.port}`, "");
		if (isIpv4 && this.#byPlace.has(everywhere)) return this.#byPlace.get(everywhere);
		const other = this.#byPlace.get(keyOf(entry, `${kind}://[::]:${peer.port}`, ""));
		return isIpv4 && other?.socket.isIpv6Only !== false ? undefined : other;
	}

	#unixPeer({ inode, peerInode }: KernelSocket): SocketPeer | undefined {
		const listener = this.#listenerOf.get(inode);
		if (listener !== undefined && inode > 0) {
			const { local, holders } = listener;
			return { ...(local !== undefined && { address: local }), holders, isWaiting: true };
		}
		if (peerInode === undefined) return undefined;
		if (peerInode === 0) return { holders: NOBODY };
		const local = this.#byInode.get(peerInode)?.local;
		const holders = this.#scan.holders.get(peerInode) ?? NOBODY;
		return { ...(local !== undefined && { address: local }), inode: peerInode, holders };
	}
}

function exactName(address: SocketAddress | undefined): Pick<ListedSocket, "nameBase64"> {
	if (address === undefined || !("bytes" in address) || address.bytes === undefined) return {};
	return { nameBase64: Buffer.from(address.bytes).toString("base64") };
}

function keyOf(
	{ socket, namespace }: Entry,
	local: string | undefined,
	peer: string | undefined,
): string {
	return `${socket.kind} ${namespace ?? ""} ${local ?? ""} ${peer ?? ""}`;
}

function queuesOf({ state, receiveQueue, sendQueue }: KernelSocket): Partial<ListedSocket> {
	if (state !== "listening") {
		return {
			...(receiveQueue !== undefined && { receiveQueueBytes: receiveQueue }),
			...(sendQueue !== undefined && { sendQueueBytes: sendQueue }),
		};
	}
	return {
		...(receiveQueue !== undefined && { waitingCount: receiveQueue }),
		...(sendQueue !== undefined && { backlogCount: sendQueue }),
	};
}
