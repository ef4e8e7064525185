/** JSON Lines: one object a line, each with its type, the version of its form, and the time. */

/** Raised when a field changes its meaning or goes; new ones do not raise it. */
const VERSION = 1;

/** Writes one line. */
export function jsonLine(type: string, fields: Readonly<Record<string, unknown>>): string {
	return `${JSON.stringify({ type, v: VERSION, time: new Date().toISOString(), ...fields })}\n`;
}
