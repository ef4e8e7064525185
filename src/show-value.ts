/** Values as error messages show them: short, on one line, and safe to print on a terminal. */

// Long enough for any socket path (107 bytes), short enough for one line of a log.
const SHOWN_CHARACTERS = 120;

/** Quotes a text for a message: escapes control characters and cuts what is very long. */
export function quote(text: string): string {
	if (text.length <= SHOWN_CHARACTERS) return escapeControls(JSON.stringify(text));
	const start = escapeControls(JSON.stringify(text.slice(0, SHOWN_CHARACTERS)));
	return `${start.slice(0, -1)}..." (${text.length} characters)`;
}

/** Describes any value in a few words, without calling into it. */
export function showValue(value: unknown): string {
	switch (typeof value) {
		case "string":
			return quote(value);
		case "bigint":
			return `${value}n`;
		case "function":
			return "a function";
		case "symbol":
			return "a symbol";
		case "object":
			return value === null ? "null" : showObject(value);
		default:
			return Object.is(value, -0) ? "-0" : String(value);
	}
}

function showObject(value: object): string {
	if (Array.isArray(value)) return `an array of ${value.length}`;
	if (ArrayBuffer.isView(value)) return showView(value);
	return showPlainObject(value) ?? "an object";
}

function showView(view: ArrayBufferView): string {
	try {
		return `a view of ${view.byteLength} bytes`;
	} catch {
		// A DataView does not even tell its length once its memory has gone.
		return "a view of nothing";
	}
}

// A small flat object (an address, say) is shown whole; anything that could run foreign code is
// not.
function showPlainObject(value: object): string | undefined {
	const prototype: unknown = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== null) return undefined;
	const fields: string[] = [];
	for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
		const field: unknown = descriptor.value;
		if (descriptor.get || fields.length === 6) return undefined;
		fields.push(
			`${key}: ${typeof field === "object" && field !== null ? "..." : showValue(field)}`,
		);
	}
	return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

// JSON escapes C0 only; DEL, C1 and the direction marks can still repaint a terminal line.
function escapeControls(json: string): string {
	let result = "";
	for (const character of json) {
		const unit = character.charCodeAt(0);
		const isHidden =
			(unit >= 0x7f && unit <= 0x9f) ||
			(unit >= 0x200b && unit <= 0x200f) ||
			(unit >= 0x2028 && unit <= 0x202e) ||
			(unit >= 0x2066 && unit <= 0x2069);
		result += isHidden ? `\\u${unit.toString(16).padStart(4, "0")}` : character;
	}
	return result;
}
