/**
 * Accepts for others: each connection goes, as a descriptor, to the worker process that has the fewest open. From then on the two speak with
 * each other directly; this process sees nothing of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Listener, type PacketStream, type Stream, socketpair } from "socketry";

/** Beside this file, and like it a source or compiled. */
const WORKER = fileURLToPath(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url));

/** A worker process as the acceptor sees it. */
export class Worker {
	/** Connections that it has now. */
	open = 0;
	readonly #channel: PacketStream;
	readonly #process: ChildProcess;

	/** @param index its number, which it puts into its answers */
	constructor(index: number) {
		const [ours, theirs] = socketpair("seqpacket");
		this.#channel = ours;
		this.#process = spawn(process.execPath, [WORKER, String(index)], {
			stdio: ["ignore", "inherit", "inherit", theirs.socket.fd],
		});
		theirs.abort();
		void this.#listen();
	}

	/** Whether it can take connections. */
	get isAlive(): boolean {
		return !this.#channel.closed;
	}

	/** Hands a connection over. Returns false when the worker has died; then the connection is still here. */
	async take(connection: Stream): Promise<boolean> {
		try {
			await this.#channel.send("a connection", { descriptors: [connection] });
		} catch {
			this.#channel.abort();
			return false;
		}
		// The worker has a duplicate. To close it here must neither end nor reset it.
		connection.detach().close();
		this.open++;
		return true;
	}

	async stop(): Promise<void> {
		const { exitCode, signalCode } = this.#process;
		await this.#channel.close();
		if (exitCode === null && signalCode === null) await once(this.#process, "exit");
	}

	// Each message says how many connections have ended.
	async #listen(): Promise<void> {
		try {
			for await (const message of this.#channel) this.open -= Number(String(message));
		} catch {
			// It was closed, or the worker has died.
		}
		this.#channel.abort();
	}
}

/** Accepts and hands on until the listener is closed. Without a worker that is alive, connections are reset. */
export async function balance(
	listener: Listener<Stream>,
	workers: readonly Worker[],
): Promise<void> {
	let turn = 0;
	for await (const connection of listener) {
		for (;;) {
			const worker = leastBusy(workers, turn++);
			if (worker === undefined) connection.abort();
			if (worker === undefined || (await worker.take(connection))) break;
		}
	}
}

// Of those that have equally few, each one in its turn.
function leastBusy(workers: readonly Worker[], turn: number): Worker | undefined {
	let least: Worker | undefined;
	for (let i = 0; i < workers.length; i++) {
		const each = workers[(turn + i) % workers.length] as Worker;
		if (each.isAlive && each.open < (least?.open ?? Number.POSITIVE_INFINITY)) least = each;
	}
	return least;
}
