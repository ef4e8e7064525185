/** Bytes made visible: text without control characters for terminals, and hexadecimal. */

// C0 but for tab and line feed, DEL, C1.
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
// What turns the direction of writing, has no width, or ends a line.
const HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}]/gu;
const ROW_BYTES = 16;

/** Text that cannot command a terminal: control characters become `\x1b` and the like. A carriage return before a line feed is left out. */
export function visibleText(text: string): string {
	return text
		.replace(/\r\n/g, "\n")
		.replace(CONTROLS, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The same in one line, so that nobody's name passes for a message of ours. */
export function visibleLine(text: string): string {
	return visibleText(text)
		.replaceAll("\n", "\\x0a")
		.replace(HIDDEN, (sign) => `\\u${sign.codePointAt(0)?.toString(16).padStart(4, "0")}`);
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
