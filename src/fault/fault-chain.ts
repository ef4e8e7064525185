/** The faults at work in one direction of one connection, as the plan has them at any time. */
import { type MessageFault, messageTransform } from "./message-transforms.ts";
import type { ChosenToxic, FaultPlan } from "./plan.ts";
import { streamTransform } from "./stream-transforms.ts";
import type { FaultDirection, Toxic } from "./toxic.ts";
import type { Doom, Piece, Transform } from "./transform.ts";

/** What the faults tell their direction. */
export interface ChainEvents {
	/** The plan has changed: what is on its way leaves at once. */
	changed(): void;
	/** A fault ends more than this direction. */
	doomed(doom: Doom, toxic: string): void;
	/** A message was hit. */
	hit(fault: MessageFault): void;
}

interface Link {
	readonly toxic: Toxic;
	readonly transform: Transform;
	cancelAlarm: (() => void) | undefined;
}

/** The faults of a direction, one after the other. */
export class FaultChain {
	readonly #plan: FaultPlan;
	readonly #connection: number;
	readonly #direction: FaultDirection;
	readonly #events: ChainEvents;
	readonly #unwatch: () => void;
	#links: Link[] = [];
	#messagesTaken = 0;
	#isOver = false;

	constructor(plan: FaultPlan, connection: number, direction: FaultDirection, events: ChainEvents) {
		this.#plan = plan;
		this.#connection = connection;
		this.#direction = direction;
		this.#events = events;
		this.#unwatch = plan.watch(() => this.#change());
	}

	/** Begins with the faults of the plan. */
	begin(): void {
		this.#rebuild();
	}

	/** Ends it. */
	stop(): void {
		this.#isOver = true;
		this.#unwatch();
		for (const each of this.#links) each.cancelAlarm?.();
	}

	/** What becomes of bytes, of a message, or of the end (null), that have come now. */
	take(chunk: Uint8Array | null): readonly Piece[] {
		const atMs = this.#plan.clock.nowMs();
		// A copy: what waits must not hold the memory that chunks share.
		let pieces: readonly Piece[] = [
			chunk === null ? { kind: "end", atMs } : { kind: "bytes", data: Buffer.from(chunk), atMs },
		];
		for (const { transform } of this.#links) {
			pieces = pieces.flatMap((piece) => transform.take(piece));
		}
		this.#messagesTaken++;
		return pieces;
	}

	#change(): void {
		if (this.#isOver) return;
		this.#rebuild();
		if (!this.#isOver) this.#events.changed();
	}

	// Faults that stay keep what they know.
	#rebuild(): void {
		const old = this.#links;
		const chosen = this.#plan.chosen(this.#connection, this.#direction);
		this.#links = inOrder(chosen).map((each) => {
			return old.find(({ toxic }) => toxic === each.toxic) ?? this.#link(each, old);
		});
		for (const each of old) {
			if (!this.#links.includes(each)) each.cancelAlarm?.();
		}
		const removed = old.find(({ toxic: { name } }) => {
			return !this.#links.some(({ toxic }) => toxic.name === name);
		});
		// What it has swallowed is missing: a connection must not go on as if nothing had been there.
		if (removed?.toxic.type === "timeout") this.#events.doomed("close", removed.toxic.name);
	}

	#link({ toxic, random }: ChosenToxic, old: readonly Link[]): Link {
		const { name, type } = toxic;
		const former = old.find((each) => each.toxic.name === name && each.toxic.type === type);
		const { passedBytes = 0 } = former?.transform ?? {};
		const { kind } = this.#plan;
		const transform =
			kind === "stream"
				? streamTransform(toxic, random, passedBytes)
				: messageTransform(toxic, random, {
						keepsOrder: kind === "packets",
						passedBytes,
						hit: (fault) => this.#hit(toxic, fault),
					});
		const link: Link = { toxic, transform, cancelAlarm: undefined };
		this.#setAlarm(link);
		return link;
	}

	#hit({ name }: Toxic, fault: MessageFault): void {
		this.#events.hit(fault);
		const [connection, direction] = [this.#connection, this.#direction];
		this.#plan.tell({ connection, direction, toxic: name, at: this.#messagesTaken });
	}

	#setAlarm(link: Link): void {
		const { clock } = this.#plan;
		const fate = link.transform.begin?.(clock.nowMs());
		if (fate === undefined) return;
		const ring = (): void => {
			// Clocks may ring early.
			if (clock.nowMs() < fate.atMs) link.cancelAlarm = clock.at(fate.atMs, ring);
			else if (!this.#isOver && fate.kind !== "end")
				this.#events.doomed(fate.kind, link.toxic.name);
		};
		link.cancelAlarm = clock.at(fate.atMs, ring);
	}
}

// What is overtaken is so at the end of the way: a later latency or bandwidth would put all in order again.
function inOrder(chosen: readonly ChosenToxic[]): readonly ChosenToxic[] {
	const isLast = ({ toxic }: ChosenToxic): boolean => toxic.type === "reorder";
	return [...chosen.filter((each) => !isLast(each)), ...chosen.filter(isLast)];
}
