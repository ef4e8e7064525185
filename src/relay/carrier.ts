/**
 * What holds bytes between the receive queue of one socket and the send queue of another: a pipe in the kernel, or memory where the kernel
 * cannot splice. A flow has one only while bytes are under way, so that idle connections cost neither.
 */
import {
	F_GETPIPE_SZ,
	F_SETPIPE_SZ,
	O_CLOEXEC,
	O_NONBLOCK,
	SPLICE_F_MOVE,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { pipesMax } from "./pipe-allowance.ts";

/** Holds bytes under way. */
export interface Carrier {
	/** How many there are. */
	readonly pendingBytes: number;
	/** Takes from a socket, when nothing is pending: how many bytes, `maxBytes` at the most, 0 at its end, or -errno. */
	fill(fd: number, maxBytes: number): number;
	/** Gives to a socket what is pending: how many bytes, or -errno. */
	drain(fd: number): number;
	/** Gives the carrier back, empty or not. */
	release(): void;
}

/** Room of a buffer: what one recv brings at the most. */
export const BUFFER_BYTES = 65_536;

const PIPE_BYTES = 262_144;
// As much as anybody may give a pipe; pipe(7). It saves a busy connection a fifth of its time on the processor, and gains nothing when there are many.
const LARGE_PIPE_BYTES = 1_048_576;
const LARGE_PIPES_MAX = 16;
const SPARE_MAX = 16;
// For which no pipe is asked for after the kernel has refused one: trying takes five calls, and its room comes back when others close theirs.
const REFUSAL_TURNS = 1_024;

const sparePipes: PipeCarrier[] = [];
const spareBuffers: BufferCarrier[] = [];

let flows = 0;
let pipes = 0;
let turnsRefused = 0;

/** Announces a flow; spare pipes are kept as long as there is one. */
export function enter(): void {
	flows++;
}

/** Takes that back. */
export function leave(): void {
	flows--;
	if (flows > 0) return;
	for (const pipe of sparePipes.splice(0)) pipe.close();
}

/** A pipe, or undefined when there are enough, or none to be had that is better than memory. */
export function takePipe(): Carrier | undefined {
	const spare = sparePipes.pop();
	if (spare !== undefined) return spare;
	if (turnsRefused > 0) {
		turnsRefused--;
		return undefined;
	}
	const pair = new Int32Array(2);
	if (pipes >= pipesMax() || sys.pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) return undefined;
	const [readFd, writeFd] = pair as unknown as [number, number];
	const pipe = new PipeCarrier(readFd, writeFd);
	const size = pipes > LARGE_PIPES_MAX ? PIPE_BYTES : LARGE_PIPE_BYTES;
	const isRefused = sys.fcntl(writeFd, F_SETPIPE_SZ, size) < 0;
	if (!isRefused || sys.fcntl(writeFd, F_GETPIPE_SZ) >= BUFFER_BYTES) return pipe;
	pipe.close();
	turnsRefused = REFUSAL_TURNS;
	return undefined;
}

/** Memory. */
export function takeBuffer(): Carrier {
	return spareBuffers.pop() ?? new BufferCarrier();
}

class PipeCarrier implements Carrier {
	pendingBytes = 0;
	readonly #readFd: number;
	readonly #writeFd: number;

	constructor(readFd: number, writeFd: number) {
		this.#readFd = readFd;
		this.#writeFd = writeFd;
		pipes++;
	}

	fill(fd: number, maxBytes: number): number {
		const rc = sys.splice(fd, this.#writeFd, maxBytes, SPLICE_F_MOVE);
		if (rc > 0) this.pendingBytes += rc;
		return rc;
	}

	drain(fd: number): number {
		const rc = sys.splice(this.#readFd, fd, this.pendingBytes, SPLICE_F_MOVE);
		if (rc > 0) this.pendingBytes -= rc;
		return rc;
	}

	release(): void {
		if (this.pendingBytes === 0 && sparePipes.length < SPARE_MAX) sparePipes.push(this);
		else this.close();
	}

	close(): void {
		pipes--;
		sys.close(this.#readFd);
		sys.close(this.#writeFd);
	}
}

class BufferCarrier implements Carrier {
	readonly #memory = Buffer.allocUnsafeSlow(BUFFER_BYTES);
	#start = 0;
	#end = 0;

	get pendingBytes(): number {
		return this.#end - this.#start;
	}

	fill(fd: number): number {
		const rc = sys.recv(fd, this.#memory, 0, BUFFER_BYTES, 0);
		this.#start = 0;
		this.#end = Math.max(rc, 0);
		return rc;
	}

	drain(fd: number): number {
		const rc = sys.send(fd, this.#memory, this.#start, this.pendingBytes, 0);
		if (rc > 0) this.#start += rc;
		return rc;
	}

	release(): void {
		this.#start = 0;
		this.#end = 0;
		if (spareBuffers.length < SPARE_MAX) spareBuffers.push(this);
	}
}
