/**
 * One open descriptor of this thread: its number, its watch in the engine, and at most one waiter in each direction.
 *
 * Invariants: a number is closed once, and never touched after that; a watch is armed for what somebody waits for, or for what was armed
 * last and has not fired since (disarming costs a system call, so it is left to the event that finds no waiter).
 */
import { BusyError, ClosedError, syscallError } from "../errors.ts";
import { READY_ERROR, READY_HANGUP, READY_READ, READY_WRITE } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import { hold, unhold, unwatch, type Watched, watch } from "./readiness.ts";

/**
 * Somebody who waits for a descriptor; called once per wait, from the event loop or from `close()`. A waiter has to hold the `Socket`, for
 * nobody else may: a socket that is collected is closed.
 */
export interface Waiter {
	/** The descriptor is ready, has ended or failed: the next system call tells which. Must not throw. */
	ready(): void;
	/** The descriptor was closed or given away while this one waited. Must not throw. */
	closed(): void;
}

const READABLE = READY_READ | READY_HANGUP | READY_ERROR;
const WRITABLE = READY_WRITE | READY_HANGUP | READY_ERROR;

// 16 full reads of a stream are 1 MiB, about half a millisecond.
const READ_CREDIT = 16;

/** Owns one descriptor number. Not public: `Socket` is its public face. */
export class Descriptor implements Watched {
	/**
	 * How many reads may be tried before the next event: 0 once one came back short or empty. It spares the system call that would find
	 * nothing, and it bounds how long a busy peer can keep the event loop from everybody else.
	 */
	readCredit: number = READ_CREDIT;
	/** Set by an event that found something to read and not the peer's end, if `watchEnd` was called; to be unset by whoever reads that. */
	hasSurelyInput = false;
	#fd: number;
	#watch: "fresh" | "foreign" | "watched";
	#armed = 0;
	#readEvents: number = READY_READ;
	#reader: Waiter | undefined;
	#writer: Waiter | undefined;
	#sleepCount = 0;
	#referenced = true;
	#spinUs = 0;

	/**
	 * @param fd taken: closed by `close()`, or with the thread
	 * @param fresh whether it is a socket that this library has just made
	 * @throws {SyscallError} EEXIST: another object of this thread owns it already
	 */
	constructor(fd: number, fresh: boolean) {
		const rc = sys.engineOwn(fd);
		if (rc < 0) throw syscallError("adopt", rc);
		this.#fd = fd;
		this.#watch = fresh ? "fresh" : "foreign";
	}

	/** The number, or -1 once closed or given away. */
	get fd(): number {
		return this.#fd;
	}

	/** Whether others may have used it before, or may do so still; known until the first wait. */
	get isForeign(): boolean {
		return this.#watch === "foreign";
	}

	/** Whether somebody waits for it. */
	get isAwaited(): boolean {
		return this.#reader !== undefined || this.#writer !== undefined;
	}

	/** Calls `reader` once the descriptor can be read, has ended or failed. */
	awaitReadable(reader: Waiter): void {
		if (this.#reader !== undefined) throw new BusyError();
		this.#arm(this.#readEvents);
		this.#reader = reader;
		if (this.#referenced) hold();
	}

	/** Calls `writer` once the descriptor can be written or has failed. */
	awaitWritable(writer: Waiter): void {
		if (this.#writer !== undefined) throw new BusyError();
		this.#arm(READY_WRITE);
		this.#writer = writer;
		if (this.#referenced) hold();
	}

	/** Forgets the reader, if one waits. */
	cancelReadable(): void {
		this.#takeReader();
	}

	/** Forgets the writer, if one waits. */
	cancelWritable(): void {
		this.#takeWriter();
	}

	/**
	 * Calls `wake` after a while: a wait as the others, for what the kernel has no event for. Goes on although the descriptor is closed.
	 *
	 * @returns ends it early; does nothing afterwards
	 */
	sleep(ms: number, wake: () => void): () => void {
		let over = false;
		const end = (): void => {
			if (over) return;
			over = true;
			clearTimeout(timer);
			this.#sleepCount--;
			if (this.#referenced) unhold();
		};
		const timer = setTimeout(() => {
			end();
			wake();
		}, ms).unref();
		this.#sleepCount++;
		if (this.#referenced) hold();
		return end;
	}

	/** Whether waiting keeps the process alive. */
	get referenced(): boolean {
		return this.#referenced;
	}

	/** Has waiting keep the process alive, as it does at first, or not. */
	refer(active: boolean): void {
		if (this.#referenced === active) return;
		this.#referenced = active;
		const change = active ? hold : unhold;
		if (this.#reader !== undefined) change();
		if (this.#writer !== undefined) change();
		for (let i = 0; i < this.#sleepCount; i++) change();
	}

	/** Has events tell the peer's end from input. Does nothing once somebody has waited. */
	watchEnd(): void {
		if (this.#watch !== "watched") this.#readEvents = READY_READ | READY_HANGUP;
	}

	/** Lets events be, for somebody else uses it meanwhile; the next wait has them again. Nobody may wait. */
	rest(): void {
		if (this.#armed === 0) return;
		this.#armed = 0;
		sys.engineArm(this.#fd, 0);
	}

	/** Keeps the event loop polling for `us` microseconds after each event of this descriptor; 0 stops that. */
	spin(us: number): void {
		this.#spinUs = us;
		if (this.#watch === "watched") sys.engineSpin(this.#fd, us);
	}

	/** Closes the number and tells the waiters; a second call does nothing. */
	close(): void {
		const fd = this.#leave();
		if (fd < 0) return;
		// In one call with giving up its ownership: a thread can be terminated between any two.
		sys.close(fd, 1);
		this.#evict();
	}

	/**
	 * Gives the number away, open and unwatched, and tells the waiters.
	 *
	 * @throws {ClosedError} it is closed or given away already
	 */
	release(): number {
		const fd = this.#leave();
		if (fd < 0) throw new ClosedError();
		sys.engineDisown(fd);
		this.#evict();
		return fd;
	}

	/** Called by the engine: `events` are the ready bits. */
	notify(events: number): void {
		// libuv stops a watch that reported an error; see engine.c.
		if ((events & READY_ERROR) !== 0) this.#armed = 0;
		let unclaimed = 0;
		if ((events & READABLE) !== 0) {
			this.readCredit = READ_CREDIT;
			this.hasSurelyInput = events === READY_READ && (this.#armed & READY_HANGUP) !== 0;
			const reader = this.#takeReader();
			if (reader === undefined) unclaimed |= this.#readEvents;
			else reader.ready();
		}
		if ((events & WRITABLE) !== 0) {
			const writer = this.#takeWriter();
			if (writer === undefined) unclaimed |= READY_WRITE;
			else writer.ready();
		}
		if ((this.#armed & unclaimed) === 0) return;
		this.#armed &= ~unclaimed;
		sys.engineArm(this.#fd, this.#armed);
	}

	#takeReader(): Waiter | undefined {
		const reader = this.#reader;
		if (reader === undefined) return undefined;
		this.#reader = undefined;
		if (this.#referenced) unhold();
		return reader;
	}

	#takeWriter(): Waiter | undefined {
		const writer = this.#writer;
		if (writer === undefined) return undefined;
		this.#writer = undefined;
		if (this.#referenced) unhold();
		return writer;
	}

	#arm(event: number): void {
		if ((this.#armed & event) === event) return;
		if (this.#fd < 0) throw new ClosedError();
		if (this.#watch !== "watched") this.#beginWatch();
		const rc = sys.engineArm(this.#fd, this.#armed | event);
		if (rc < 0) throw syscallError("epoll_ctl", rc);
		this.#armed |= event;
	}

	#beginWatch(): void {
		const rc = watch(this.#fd, this, this.#watch === "fresh");
		if (rc < 0) throw syscallError("epoll_ctl", rc);
		this.#watch = "watched";
		if (this.#spinUs > 0) sys.engineSpin(this.#fd, this.#spinUs);
	}

	#leave(): number {
		const fd = this.#fd;
		if (fd < 0) return fd;
		this.#fd = -1;
		if (this.#watch === "watched") unwatch(fd);
		this.#armed = 0;
		return fd;
	}

	#evict(): void {
		const reader = this.#takeReader();
		const writer = this.#takeWriter();
		reader?.closed();
		writer?.closed();
	}
}
