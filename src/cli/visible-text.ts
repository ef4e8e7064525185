/** Bytes made visible: text without control characters for terminals, and hexadecimal. */

// C0 but for tab and line feed, DEL, C1.
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
// Besides, what turns the direction of writing, has no width, or ends a line.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const HIDDEN_BUT_TAB = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const ROW_BYTES = 16;

/** Text that cannot command a terminal: control characters become `\x1b` and the like. A carriage return before a line feed is left out. */
export function visibleText(text: string): string {
	return text.replace(/\r\n/g, "\n").replace(CONTROLS, escaped);
}

/** The same in one line, so that nobody's name passes for a message of ours. */
export function visibleLine(text: string): string {
	return text.replace(/\r\n/g, "\n").replace(HIDDEN_BUT_TAB, escaped);
}

/** Text for a place of its own in a line: names of files and programs are chosen by strangers, and a terminal obeys control characters. */
export function plain(text: string): string {
	return text.replace(HIDDEN, escaped);
}

function escaped(sign: string): string {
	const code = (sign.codePointAt(0) ?? 0).toString(16);
	return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}

/** Rows of offset, hexadecimal and text, as `xxd` writes them. */
export function hexRows(bytes: Uint8Array, offset: number): string {
	let rows = "";
	for (let start = 0; start < bytes.length; start += ROW_BYTES) {
		const row = bytes.subarray(start, start + ROW_BYTES);
		const pairs = Buffer.from(row).toString("hex").replace(/.{4}/g, "$& ");
		const text = Buffer.from(row)
			.toString("latin1")
			.replace(/[^ -~]/g, ".");
		rows += `${(offset + start).toString(16).padStart(8, "0")}: ${pairs.padEnd(41)}${text}\n`;
	}
	return rows;
}
