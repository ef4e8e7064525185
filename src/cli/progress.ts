/** One line that changes in place, for a person who waits; nothing at all when nobody looks. */
import type { Terminal } from "./terminal.ts";

const BAR_CELLS = 24;
const REDRAW_MS = 100;

/** A line of progress on standard error. */
export class Progress {
	readonly #terminal: Terminal;
	#drawnAt = Number.NEGATIVE_INFINITY;
	#drawn = false;

	constructor(terminal: Terminal) {
		this.#terminal = terminal;
	}

	/**
	 * Shows how far it is, at most ten times a second.
	 *
	 * @param fraction 0..1
	 * @param text what is being done
	 */
	show(fraction: number, text: string): void {
		const now = performance.now();
		if (!this.#terminal.isTerminal || now - this.#drawnAt < REDRAW_MS) return;
		const { glyphs, palette, columns } = this.#terminal;
		const cells = Math.round(Math.min(1, fraction) * BAR_CELLS);
		const bar = palette.accent(glyphs.full.repeat(cells)) + glyphs.empty.repeat(BAR_CELLS - cells);
		const percent = `${Math.round(Math.min(1, fraction) * 100)}`.padStart(3);
		const room = Math.max(0, columns - BAR_CELLS - 10);
		this.#terminal.write(`\r\x1b[2K${bar} ${percent} %  ${text.slice(0, room)}`);
		this.#drawnAt = now;
		this.#drawn = true;
	}

	/** Takes the line away. */
	clear(): void {
		if (this.#drawn) this.#terminal.write("\r\x1b[2K");
		this.#drawn = false;
		this.#drawnAt = Number.NEGATIVE_INFINITY;
	}
}
