/**
 * Two named pipes as one stream of bytes, for a reference without any socket. Both ends are opened for reading and writing, so that
 * neither waits for the other to open; the end of a conversation is therefore said, never seen.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "../../socket/index.ts";
import type { ByteChannel } from "./byte-link.ts";

const GATHER_BYTES = 65_536;
const DONE: Promise<void> = Promise.resolve();

/**
 * Makes a named pipe that only this user may open.
 *
 * @throws {Error} mkfifo(1) is not installed, or refuses
 */
export function makePipe(path: string): void {
	const { status, error, stderr } = spawnSync("mkfifo", ["-m", "600", path], { encoding: "utf8" });
	if (status === 0) return;
	const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
	throw new Error(isMissing ? "the program mkfifo is not installed" : `mkfifo: ${stderr.trim()}`);
}

/** A stream of bytes that reads from one pipe and writes to another. Small writes of one tick leave together, as those of a `Stream` do. */
export class PipeChannel implements ByteChannel {
	readonly #input: Socket;
	readonly #output: Socket;
	readonly #gathered: Buffer = Buffer.allocUnsafe(GATHER_BYTES);
	#used = 0;
	#failure: Error | undefined;
	#sending: Promise<void> | undefined;

	/** @throws {Error} ENOENT, EACCES, EMFILE */
	constructor(inputPath: string, outputPath: string) {
		this.#input = openPipe(inputPath);
		try {
			this.#output = openPipe(outputPath);
		} catch (error) {
			this.#input.close();
			throw error;
		}
	}

	readInto(target: Uint8Array): Promise<number> {
		return this.#input.read(target);
	}

	write(data: Uint8Array): Promise<void> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		if (this.#sending !== undefined || data.length > GATHER_BYTES - this.#used) {
			return this.#writeAfter(data);
		}
		if (this.#used === 0) process.nextTick(() => void this.#flush());
		this.#gathered.set(data, this.#used);
		this.#used += data.length;
		return DONE;
	}

	async close(): Promise<void> {
		await this.#flush();
		this.abort();
	}

	abort(): void {
		this.#input.close();
		this.#output.close();
	}

	async #writeAfter(data: Uint8Array): Promise<void> {
		await this.#flush();
		return await this.write(data);
	}

	async #flush(): Promise<void> {
		if (this.#sending === undefined && this.#used > 0) this.#sending = this.#send();
		await this.#sending;
		this.#sending = undefined;
	}

	async #send(): Promise<void> {
		const bytes = this.#gathered.subarray(0, this.#used);
		try {
			for (let sent = 0; sent < bytes.length; ) {
				sent += await this.#output.write(bytes.subarray(sent));
			}
		} catch (error) {
			this.#failure = error as Error;
		}
		this.#used = 0;
	}
}

function openPipe(path: string): Socket {
	const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
	try {
		return Socket.fromFd(fd);
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}
