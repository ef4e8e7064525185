/** Figures of a relay, and how they are told. */
import type { Context } from "../command.ts";
import { jsonLine } from "../exchange/json-lines.ts";

const REDRAW_MS = 500;
const KIB = 1_024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** What moves, as far as it has. */
export interface Movement {
	readonly bytesToRight: number;
	readonly bytesToLeft: number;
}

/** How a connection or session ended. */
export type Outcome = "done" | "cut" | "failed";

/** Counts what a relay does. */
export class Tally {
	/** Datagrams that were dropped here. */
	droppedCount = 0;
	/** Connections that were turned away before they were to be joined: not allowed, or without the handshake or header that was due. */
	refusedCount = 0;
	readonly #open = new Set<Movement>();
	readonly #counts: Record<Outcome, number> = { done: 0, cut: 0, failed: 0 };
	#bytesToRight = 0;
	#bytesToLeft = 0;

	/** Connections or sessions whose data was cut. */
	get cutCount(): number {
		return this.#counts.cut;
	}

	/** Those that could not be joined to anything. */
	get failedCount(): number {
		return this.#counts.failed;
	}

	/** Connections and sessions under way. */
	get openCount(): number {
		return this.#open.size;
	}

	begin(movement: Movement): void {
		this.#open.add(movement);
	}

	end(movement: Movement | undefined, outcome: Outcome): void {
		this.#counts[outcome]++;
		if (movement === undefined) return;
		this.#open.delete(movement);
		this.#bytesToRight += movement.bytesToRight;
		this.#bytesToLeft += movement.bytesToLeft;
	}

	/** All figures of now. */
	figures(): Readonly<Record<string, number>> {
		let [bytesToRight, bytesToLeft] = [this.#bytesToRight, this.#bytesToLeft];
		for (const movement of this.#open) {
			bytesToRight += movement.bytesToRight;
			bytesToLeft += movement.bytesToLeft;
		}
		const { done, cut, failed } = this.#counts;
		const [open, refused, droppedDatagrams] = [
			this.openCount,
			this.refusedCount,
			this.droppedCount,
		];
		return { open, done, cut, failed, refused, bytesToRight, bytesToLeft, droppedDatagrams };
	}

	/** All figures in a line. */
	text(): string {
		const {
			open,
			done,
			cut,
			failed,
			refused,
			bytesToRight = 0,
			bytesToLeft = 0,
			droppedDatagrams,
		} = this.figures();
		const dropped = droppedDatagrams === 0 ? "" : `, ${droppedDatagrams} datagrams dropped`;
		const turnedAway = refused === 0 ? "" : `, ${refused} refused`;
		return `${open} open, ${done} done, ${cut} cut, ${failed} failed${turnedAway}; ${size(bytesToRight)} to, ${size(bytesToLeft)} from${dropped}`;
	}
}

function size(bytes: number): string {
	let unit = 0;
	let value = bytes;
	for (; value >= KIB && unit < UNITS.length - 1; unit++) value /= KIB;
	return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Shows the figures: all the time on a terminal, and when SIGUSR1 asks for them. Returns what ends that, and leaves the last ones. */
export function showFigures(
	tally: Tally,
	{ out, err }: Context,
	{ json, isQuiet }: { readonly json: boolean; readonly isQuiet: boolean },
): () => void {
	const tell = (): void => {
		if (json) out.write(jsonLine("figures", tally.figures()));
		else err.write(`${lineStart(err)}${tally.text()}\n`);
	};
	process.on("SIGUSR1", tell);
	const isLive = err.isTerminal && !json && !isQuiet;
	const draw = (): void => err.write(`${lineStart(err)}${tally.text().slice(0, err.columns - 1)}`);
	const timer = isLive ? setInterval(draw, REDRAW_MS).unref() : undefined;
	return () => {
		process.off("SIGUSR1", tell);
		clearInterval(timer);
		if (isLive) tell();
	};
}

/** What has to be written before a line where the figures may be: nothing, or what takes them away. */
export function lineStart({ isTerminal }: Context["err"]): string {
	return isTerminal ? "\r\x1b[2K" : "";
}
