/** JSON Lines: one object a line, each with its type, the version of its form, and the time. */

/** Raised when a field changes its meaning or goes; new ones do not raise it. */
const VERSION = 1;

// DEL and C1, which JSON leaves as they are, and terminals obey.
const CONTROLS = /[\u007f-\u009f]/g;

/** Writes one line. */
export function jsonLine(type: string, fields: Readonly<Record<string, unknown>>): string {
	return `${visibleJson({ type, v: VERSION, time: new Date().toISOString(), ...fields })}\n`;
}

/** JSON that cannot command a terminal. */
export function visibleJson(content: object): string {
	const text = JSON.stringify(content);
	return text.replace(CONTROLS, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}
